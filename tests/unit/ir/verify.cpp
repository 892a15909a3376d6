// Each rule of verify(): one thing broken in a good patch, the whole finding, and beside it the nearest patch that is
// good. Here those of a patch as a whole, of memory and of addresses; verify_operations.cpp has the others.
#include "verify_support.h"

namespace lpc::ir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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

} // namespace
} // namespace lpc::ir
