// The rules of verify() for writes, branches, code, and what follows them, each as in verify.cpp.
#include "verify_support.h"

namespace lpc::ir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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
