// Each rule of verify(): one thing broken in a good patch, the whole finding, and beside it the nearest patch that is
// good.
#include "ir/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "patches.h"

namespace lpc::ir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Verify : public ::testing::Test {
protected:
  template <class T> T &operation(size_t i) { return std::get<T>(patch.operations.at(i).action); }
  Write &write(size_t i) { return operation<Write>(i); }
  Branch &branch(size_t i) { return operation<Branch>(i); }
  template <class T> T &in(Address &address) { return std::get<T>(address.where); }
  static Address nested(unsigned depth) {
    Address out{Absolute{{0x1000}}};
    for (; depth > 0; depth--)
      out = Address{Loaded{std::make_shared<const Address>(std::move(out)), 0}};
    return out;
  }

  Patch patch = test::samplePatch();
};

TEST_F(Verify, acceptsTheSample) { EXPECT_THAT(verify(patch), IsEmpty()); }

TEST_F(Verify, acceptsThousandsOfRandomPatches) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; i++)
    ASSERT_THAT(verify(test::randomPatch(random)), IsEmpty()) << "patch " << i;
}

// --- header and tables

TEST_F(Verify, wantsAName) {
  patch.name = std::string(kMaxPatchName, 'x');
  EXPECT_THAT(verify(patch), IsEmpty());
  patch.name += 'x';
  EXPECT_THAT(verify(patch), ElementsAre("the patch's name is longer than 255 bytes"));
  patch.name = "";
  EXPECT_THAT(verify(patch), ElementsAre("the patch has no name, or one with a zero byte"));
  patch.name = std::string("a\0b", 3);
  EXPECT_THAT(verify(patch), ElementsAre("the patch has no name, or one with a zero byte"));
}

TEST_F(Verify, wantsAKnownMachine) {
  patch.machine = static_cast<Machine>(3);
  EXPECT_THAT(verify(patch), ElementsAre("the machine is not known"));
  patch.machine = Machine::AArch64;
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsATarget) {
  patch.objects.resize(1);
  write(5).was.reset();
  EXPECT_THAT(verify(patch), IsEmpty());
  Patch empty;
  empty.name = "empty";
  EXPECT_THAT(verify(empty), ElementsAre("there is no object 0, the target program"));
}

TEST_F(Verify, wantsObjectsToHaveNames) {
  patch.objects[1].name = "";
  EXPECT_THAT(verify(patch), ElementsAre("object 1 has no name, or one with a zero byte"));
}

TEST_F(Verify, wantsPayloadsToHaveNames) {
  patch.payloads[0].name = "";
  EXPECT_THAT(verify(patch), ElementsAre("payload 0 has no name, or one with a zero byte"));
}

TEST_F(Verify, wantsMemoryNamesOfTheLanguage) {
  patch.memories[0].name = "_Fresh9";
  EXPECT_THAT(verify(patch), IsEmpty());
  for (const char *name : {"", "9fresh", "a b", "fre-sh", "é"}) {
    patch.memories[0].name = name;
    EXPECT_THAT(verify(patch), ElementsAre("memory 0 has no valid name")) << name;
  }
}

TEST_F(Verify, wantsMemoryNamesToDiffer) {
  patch.memories[2].name = "Fresh";
  EXPECT_THAT(verify(patch), IsEmpty());
  patch.memories[2].name = "fresh";
  EXPECT_THAT(verify(patch), ElementsAre("memory 2 has the name of another, `fresh`"));
}

TEST_F(Verify, wantsMemoryToHaveASize) {
  patch.memories[0].size = kMaxMemorySize;
  EXPECT_THAT(verify(patch), IsEmpty());
  patch.memories[0].size++;
  EXPECT_THAT(verify(patch), ElementsAre("memory 0 has 1073741825 bytes, not 1 to 1073741824"));
  patch = {.name = "new", .objects = {{"target"}}, .memories = {{"m", 0}}, .operations = {{Alloc{MemoryId{0}}}}};
  EXPECT_THAT(verify(patch), ElementsAre("memory 0 has 0 bytes, not 1 to 1073741824"));
  patch.memories[0].size = 1;
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsAKnownPermission) {
  patch.memories[0].permission = static_cast<Permission>(4);
  EXPECT_THAT(verify(patch), ElementsAre("memory 0 has an unknown permission"));
}

TEST_F(Verify, wantsPayloadsToExist) {
  patch.memories[2].payload = PayloadId{1};
  EXPECT_THAT(verify(patch), IsEmpty());
  patch.memories[2].payload = PayloadId{2};
  EXPECT_THAT(verify(patch), ElementsAre("memory 2 is filled by payload 2, which does not exist",
                                         "operation 2 fills memory 2, which has no payload"));
}

// --- memory and the operations that make it

TEST_F(Verify, wantsMemoryToBeMade) {
  patch.memories.push_back({"extra", 16, Permission::RW, {}, {}});
  EXPECT_THAT(verify(patch), ElementsAre("memory 3 is made by no operation"));
  patch.operations.push_back({Alloc{MemoryId{3}}});
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsMemoryToBeMadeOnce) {
  patch.operations.push_back({Alloc{MemoryId{0}}});
  EXPECT_THAT(verify(patch), ElementsAre("operation 14 makes memory 0 a second time"));
}

TEST_F(Verify, wantsMadeMemoryToExist) {
  patch.operations.push_back({Alloc{MemoryId{3}}});
  EXPECT_THAT(verify(patch), ElementsAre("operation 14 makes memory 3, which does not exist"));
}

TEST_F(Verify, wantsNewMemoryToHaveNoPayload) {
  patch.memories[0].payload = PayloadId{1};
  EXPECT_THAT(verify(patch), ElementsAre("operation 0 allocates memory 0, which has a payload"));
}

TEST_F(Verify, wantsLoadedAndLinkedMemoryToHaveAPayload) {
  patch.memories[1].payload.reset();
  EXPECT_THAT(verify(patch), ElementsAre("operation 1 fills memory 1, which has no payload"));
  patch = test::samplePatch();
  patch.memories[2].payload.reset();
  EXPECT_THAT(verify(patch), ElementsAre("operation 2 fills memory 2, which has no payload"));
}

TEST_F(Verify, wantsLoadedMemoryToBeAsLongAsItsFile) {
  patch.memories[1].size = 4;
  EXPECT_THAT(verify(patch), ElementsAre("operation 1 loads 3 bytes into memory 1 of 4"));
  patch.payloads[1].bytes.push_back(4);
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsMemoryToBeMadeBeforeItIsUsed) {
  std::swap(patch.operations[1], patch.operations[2]); // `with` uses $table
  EXPECT_THAT(verify(patch), ElementsAre("operation 1, with: memory 1 is not made before it is used"));
  patch = test::samplePatch();
  std::swap(patch.operations[0], patch.operations[1]);
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsMemoryInsideALoadToBeMadeBefore) {
  std::swap(patch.operations[2], patch.operations[7]); // [$fix+8] before the dl
  auto findings = verify(patch);
  EXPECT_THAT(findings, ::testing::Contains("operation 2, to: memory 2 is not made before it is used"));
}

TEST_F(Verify, lastsNoMemoryUseItself) {
  operation<Link>(2).with[1].address = {InMemory{MemoryId{2}, 0}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 2, with: memory 2 is not made before it is used"));
}

TEST_F(Verify, wantsPayloadSymbolsOfLinkedMemory) {
  in<InPayload>(branch(6).to).memory = MemoryId{1};
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, to: memory 1 is not linked, so it has no symbols"));
}

TEST_F(Verify, wantsPayloadSymbolsToHaveNames) {
  in<InPayload>(branch(6).to).symbol = "";
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, to: the symbol has no name, or one with a zero byte"));
}

TEST_F(Verify, wantsBindingsToDiffer) {
  operation<Link>(2).with[1].symbol = "log_line";
  EXPECT_THAT(verify(patch), ElementsAre("operation 2 binds `log_line` twice"));
  operation<Link>(2).with[1].symbol = "";
  EXPECT_THAT(verify(patch), ElementsAre("operation 2 binds a symbol without a name, or with a zero byte in it"));
}

// --- addresses

TEST_F(Verify, wantsIndexesInRange) {
  in<InObject>(write(3).at).object = ObjectId{2};
  EXPECT_THAT(verify(patch), ElementsAre("operation 3, at: object 2 does not exist"));
  in<InObject>(write(3).at).object = ObjectId{1};
  in<InMemory>(write(4).at).memory = MemoryId{3};
  EXPECT_THAT(verify(patch), ElementsAre("operation 4, at: memory 3 does not exist"));
  in<InMemory>(write(4).at).memory = MemoryId{0};
  in<InPayload>(write(4).value.emplace<Address>(branch(6).to)).memory = MemoryId{UINT32_MAX};
  EXPECT_THAT(verify(patch), ElementsAre("operation 4, value: memory 4294967295 does not exist"));
}

TEST_F(Verify, wantsWritesToStayInTheAddressSpace) {
  in<InObject>(write(3).at).address = {UINT64_MAX - 3};
  EXPECT_THAT(verify(patch), IsEmpty());
  in<InObject>(write(3).at).address = {UINT64_MAX - 2};
  EXPECT_THAT(verify(patch),
              ElementsAre("operation 3, at: 4 bytes at 0xfffffffffffffffd do not fit into the address space"));
}

TEST_F(Verify, wantsAddressesOfTheMachine) {
  patch = {.name = "i386", .machine = Machine::I386, .objects = {{"target"}}};
  patch.operations.push_back({Write{"addr", {Absolute{{0xfffffffc}}}, Address{Absolute{{0xffffffff}}}, 4, {}, {}}});
  EXPECT_THAT(verify(patch), IsEmpty());
  in<Absolute>(write(0).at).address = {0xfffffffd};
  std::get<Address>(write(0).value) = {Absolute{{0x100000000}}};
  EXPECT_THAT(verify(patch),
              ElementsAre("operation 0, at: 4 bytes at 0xfffffffd do not fit into the address space",
                          "operation 0, value: 0 bytes at 0x100000000 do not fit into the address space"));
}

TEST_F(Verify, wantsWritesToStayInTheirMemory) {
  in<InMemory>(write(4).at).offset = 4088;
  EXPECT_THAT(verify(patch), IsEmpty());
  for (uint64_t offset : {uint64_t{4089}, uint64_t{4096}, UINT64_MAX}) {
    in<InMemory>(write(4).at).offset = offset;
    EXPECT_THAT(verify(patch), ElementsAre("operation 4, at: 8 bytes at offset " + std::to_string(offset) +
                                           " run past the end of memory 0 of 4096"));
  }
}

TEST_F(Verify, letsAPointerPointToTheEndOfMemoryButNotPastIt) {
  in<InMemory>(std::get<Address>(write(5).value)).offset = 4097;
  EXPECT_THAT(verify(patch),
              ElementsAre("operation 5, value: 0 bytes at offset 4097 run past the end of memory 0 of 4096"));
}

TEST_F(Verify, wantsLoadedPointersToBeReadable) {
  branch(7).to = {Loaded{std::make_shared<const Address>(Address{InMemory{MemoryId{2}, 8184}}), 0}};
  EXPECT_THAT(verify(patch), IsEmpty());
  branch(7).to = {Loaded{std::make_shared<const Address>(Address{InMemory{MemoryId{2}, 8185}}), 0}};
  EXPECT_THAT(verify(patch),
              ElementsAre("operation 7, to: 8 bytes at offset 8185 run past the end of memory 2 of 8192"));
}

TEST_F(Verify, wantsPointersToBeLoadedFromSomewhere) {
  branch(7).to = {Loaded{}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 7, to: a pointer is loaded from nowhere"));
}

TEST_F(Verify, boundsTheDepthOfLoads) {
  branch(7).to = nested(kMaxLoadDepth);
  EXPECT_THAT(verify(patch), IsEmpty());
  branch(7).to = nested(kMaxLoadDepth + 1);
  EXPECT_THAT(verify(patch), ElementsAre("operation 7, to: pointers are followed more than 32 times"));
  branch(7).from = branch(7).to = nested(5000); // compared without recursion
  EXPECT_THAT(verify(patch), ::testing::Contains("operation 7 jumps to itself"));
}

// --- writes

TEST_F(Verify, wantsTheValueToHaveTheWidth) {
  write(3).width = 5;
  write(3).recorded->push_back(0);
  std::get<Bytes>(*write(3).was).push_back(0);
  EXPECT_THAT(verify(patch), ElementsAre("operation 3, value: 4 bytes in a write of 5"));
  std::get<Bytes>(write(3).value).push_back(0);
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsAPointerToHaveThePointerSize) {
  write(4).width = 4;
  EXPECT_THAT(verify(patch), ElementsAre("operation 4, value: 8 bytes in a write of 4"));
}

TEST_F(Verify, wantsAWriteToWrite) {
  patch.operations[3].action = Write{"hex", {Absolute{{0}}}, Bytes{}, 0, {}, {}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 3 writes nothing"));
}

TEST_F(Verify, wantsTheOldValueToHaveTheWidth) {
  write(3).was = Bytes{1, 2, 3};
  EXPECT_THAT(verify(patch), ElementsAre("operation 3, was: 3 bytes in a write of 4"));
  write(3).was.reset();
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsTheOldValueToBeOfTheSameKind) {
  write(4).was = Bytes(8);
  EXPECT_THAT(verify(patch), ElementsAre("operation 4, was: of another kind than the value"));
  write(4).was = Address{Absolute{{0}}};
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsRecordedBytesToHaveTheWidth) {
  write(3).recorded = Bytes(5);
  EXPECT_THAT(verify(patch), ElementsAre("operation 3, recorded: 5 bytes in a write of 4"));
  write(3).recorded.reset();
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsRecordedBytesToComeFromAFile) {
  write(3).at = {Absolute{{0x4010}}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 3, recorded: no file shows what stands at this address"));
}

TEST_F(Verify, wantsATypeWord) {
  write(3).type = "u32";
  EXPECT_THAT(verify(patch), IsEmpty());
  write(3).type = "";
  EXPECT_THAT(verify(patch), ElementsAre("operation 3 has no type word"));
}

TEST_F(Verify, wantsAddressesWhereTheTypeSaysSo) {
  write(3).type = "addr";
  EXPECT_THAT(verify(patch),
              ElementsAre("operation 3: the type `addr` and a value that is an address belong together"));
  write(3).type = "int";
  write(4).type = "u64";
  EXPECT_THAT(verify(patch),
              ElementsAre("operation 4: the type `addr` and a value that is an address belong together"));
}

// --- branches

TEST_F(Verify, wantsRoomForAJump) {
  branch(6).room = 5;
  branch(6).recorded = Bytes(5);
  EXPECT_THAT(verify(patch), IsEmpty());
  branch(6).room = 4;
  branch(6).recorded = Bytes(4);
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, room: 4 bytes are too few for a jump"));
  patch.machine = Machine::AArch64; // where it takes 4
  EXPECT_THAT(verify(patch), IsEmpty());
}

TEST_F(Verify, wantsRecordedBytesToFillTheRoom) {
  branch(6).recorded = Bytes(5);
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, recorded: 5 bytes for a room of 6"));
  branch(6).recorded.reset();
  EXPECT_THAT(verify(patch), IsEmpty());
  branch(7).recorded = Bytes{};
  EXPECT_THAT(verify(patch), ElementsAre("operation 7, recorded: 0 bytes for a room of 0"));
}

TEST_F(Verify, wantsAFunctionToBeInAnObject) {
  branch(6).function->size = 0;
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, function: no function has 0 bytes"));
  branch(6).function = Function{"func_J", {UINT64_MAX}, 2};
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, function: no function has 2 bytes"));
  branch(6).function = Function{"func_J", {0x1234}, 1};
  EXPECT_THAT(verify(patch), ElementsAre());
  branch(7).function = branch(6).function;
  EXPECT_THAT(verify(patch), ElementsAre("operation 7, function: it is in no object"));
}

TEST_F(Verify, wantsOriginalsToBePointers) {
  branch(6).original = Original{Address{InMemory{MemoryId{0}, 4088}}, Bytes(8), {}};
  EXPECT_THAT(verify(patch), IsEmpty());
  branch(6).original->recorded = Bytes(4);
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, original-recorded: 4 bytes are no pointer"));
  branch(6).original->at = Address{Absolute{{0x1000}}};
  branch(6).original->recorded = Bytes(8);
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, original-recorded: no file shows what stands at this address"));
  branch(6).original = Original{Address{InMemory{MemoryId{0}, 4089}}, {}, {}};
  EXPECT_THAT(verify(patch), ElementsAre(testing::HasSubstr("operation 6, original")));
  branch(6).original = Original{Address{InMemory{MemoryId{0}, 0}}, {}, Function{"g", {0x1240}, 24}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 6, replacement: it is in no object"));
}

TEST_F(Verify, wantsRoomToBeProvedByAFile) {
  branch(7).room = 5;
  EXPECT_THAT(verify(patch), ElementsAre("operation 7, room: no file shows what stands at this address"));
}

TEST_F(Verify, wantsTheRoomToStayInTheAddressSpace) {
  in<InObject>(branch(6).from).address = {UINT64_MAX - 4};
  EXPECT_THAT(verify(patch),
              ElementsAre("operation 6, from: 6 bytes at 0xfffffffffffffffb do not fit into the address space"));
}

// --- code

TEST_F(Verify, wantsCodeToFitItsRoomAndReferencesTheirCode) {
  auto code = [&](Code made) {
    patch.operations[7].action = std::move(made);
    return verify(patch);
  };
  Address at{InObject{ObjectId{0}, {0x1234}, "func_J", 0}}, number{Absolute{{0x7f0000}}};
  using enum ReferenceKind;
  EXPECT_THAT(code({at, Bytes(13), {{Relative32, 1, at, -4}, {Whole64, 5, number, 0}}, 14, Bytes(14)}), IsEmpty());
  EXPECT_THAT(code({number, Bytes(13), {}, 0, {}}), IsEmpty());
  EXPECT_THAT(code({at, {}, {}, 5, {}}), ElementsAre("operation 7 has no instructions"));
  EXPECT_THAT(code({at, Bytes(6), {}, 5, {}}), ElementsAre("operation 7, room: 5 bytes are too few for 6"));
  EXPECT_THAT(code({at, Bytes(6), {}, 20, {}}), IsEmpty());
  EXPECT_THAT(code({at, Bytes(6), {}, 21, {}}), ElementsAre("operation 7, room: 21 bytes are more than 6 need"));
  EXPECT_THAT(code({number, Bytes(5), {}, 5, {}}),
              ElementsAre("operation 7, room: no file shows what stands at this address"));
  EXPECT_THAT(code({at, Bytes(5), {}, 5, Bytes(6)}), ElementsAre("operation 7, recorded: 6 bytes for a room of 5"));
  EXPECT_THAT(code({at, Bytes(5), {{Signed32, 2, at, 0}}, 5, {}}),
              ElementsAre("operation 7, reference: its bytes are not in the code, or another's too"));
  EXPECT_THAT(code({at, Bytes(9), {{Signed32, 2, at, 0}, {Unsigned32, 5, at, 0}}, 9, {}}),
              ElementsAre("operation 7, reference: its bytes are not in the code, or another's too"));
}

TEST_F(Verify, wantsAJumpToLeave) {
  branch(6).to = branch(6).from;
  EXPECT_THAT(verify(patch), ElementsAre("operation 6 jumps to itself"));
  in<InObject>(branch(6).to).address = {0x1235};
  EXPECT_THAT(verify(patch), IsEmpty());
}

// --- returns, no-ops, conditions

TEST_F(Verify, wantsRoomForAReturn) {
  auto &statement = operation<Return>(8);
  statement.value = UINT64_MAX; // mov rax, -1; ret
  EXPECT_THAT(verify(patch), IsEmpty());
  statement.value = uint64_t{1} << 40;
  EXPECT_THAT(verify(patch), ElementsAre("operation 8, room: 8 bytes are too few for 11"));
  statement.value.reset();
  statement.recorded = Bytes(7);
  EXPECT_THAT(verify(patch), ElementsAre("operation 8, recorded: 7 bytes for a room of 8"));
  statement.recorded.reset();
  statement.function.reset();
  EXPECT_THAT(verify(patch), IsEmpty());
  statement.at = {Absolute{{0x1300}}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 8, room: no file shows what stands at this address"));
}

TEST_F(Verify, wantsNoOpsToHaveASize) {
  auto &nop = operation<Nop>(9);
  nop.size = 4;
  EXPECT_THAT(verify(patch), ElementsAre("operation 9, recorded: 5 bytes of 4"));
  nop.recorded.reset();
  EXPECT_THAT(verify(patch), IsEmpty());
  nop.size = kMaxNopSize;
  EXPECT_THAT(verify(patch), IsEmpty());
  nop.size++;
  EXPECT_THAT(verify(patch), ElementsAre("operation 9 makes 4097 bytes no-ops, not 1 to 4096"));
  nop.size = 0;
  EXPECT_THAT(verify(patch), ElementsAre("operation 9 makes 0 bytes no-ops, not 1 to 4096"));
  nop = {{Absolute{{0x1000}}}, 1, Bytes(1)};
  EXPECT_THAT(verify(patch), ElementsAre("operation 9, recorded: no file shows what stands at this address"));
}

TEST_F(Verify, wantsExpectationsToAgreeWithTheirWidth) {
  auto &expect = operation<Expect>(10);
  expect.width = 5;
  EXPECT_THAT(verify(patch), ElementsAre("operation 10, value: 4 bytes in an expectation of 5"));
  expect.width = 4;
  expect.type = "";
  EXPECT_THAT(verify(patch), ElementsAre("operation 10 has no type word"));
  expect.type = "addr";
  EXPECT_THAT(verify(patch),
              ElementsAre("operation 10: the type `addr` and a value that is an address belong together"));
  expect.type = "u32";
  expect.at = {InMemory{MemoryId{0}, 0}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 10 expects something of memory that the patch makes"));
}

TEST_F(Verify, wantsImportsToHaveASlot) {
  auto &import = operation<Import>(12);
  import.symbol = "";
  EXPECT_THAT(verify(patch), ElementsAre("operation 12: the import has no name, or one with a zero byte"));
  import.symbol = "puts";
  import.slot = {Absolute{{0x4010}}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 12, slot: it is in no object"));
}

TEST_F(Verify, wantsQuietFunctionsToBeInAnObject) {
  auto &quiesce = operation<Quiesce>(11);
  quiesce.function.size = 0;
  EXPECT_THAT(verify(patch), ElementsAre("operation 11, function: no function has 0 bytes"));
  quiesce.function.size = 1;
  quiesce.at = {Absolute{{0x1500}}};
  EXPECT_THAT(verify(patch), ElementsAre("operation 11, function: it is in no object"));
}

TEST_F(Verify, wantsCallsToHaveRegistersForTheirArguments) {
  auto &call = operation<Call>(13);
  call.arguments.assign(7, 0);
  EXPECT_THAT(verify(patch), ElementsAre("operation 13 calls with more than 6 arguments"));
  call.arguments.clear();
  call.moment = static_cast<Moment>(4);
  EXPECT_THAT(verify(patch), ElementsAre("operation 13: its moment is not known"));
}

TEST_F(Verify, findsAllFaultsAtOnce) {
  patch.name = "";
  write(3).type = "";
  branch(6).room = 1;
  EXPECT_EQ(verify(patch).size(), 4U); // the room's recorded bytes too
}

} // namespace
} // namespace lpc::ir
