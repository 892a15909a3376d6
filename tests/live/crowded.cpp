// Address spaces that are full: thousands of mappings, and no room near the code.
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

const std::string kCrowded = kBinaries + "/target_crowded_pie";

class Crowded : public Linkage {
protected:
  void SetUp() override {
    folder_.write("payload.c", "const char text[] = \"patched\"; int fix(int x) { return 2000 + x; }\n"
                               "int (*volatile unused)(int) = fix;\n");
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-o", "payload.so", "payload.c"})) << why_;
  }
};

TEST_F(Crowded, ThirtyThousandMappings) {
  start({kCrowded, "many"});
  ProcessState before = stateOf(child_->pid());
  ASSERT_GT(before.mappings, 30000U);
  writePatch("payload.so", kCrowded);
  for (int round = 0; round < 2; round++) {
    RunResult done = apply();
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(), "handle 2002 limit 500 greeting patched");
    EXPECT_EQ(revert().status, 0);
    EXPECT_EQ(ask(), kLinkageBefore);
  }
  EXPECT_EQ(stateOf(child_->pid()).threads, before.threads);
}

// A jump cannot reach memory that is farther than 2 GiB away: refused.
TEST_F(Crowded, NoRoomNearTheCodeForAPayload) {
  start({kCrowded, "full"});
  ProcessState before = stateOf(child_->pid());
  writePatch("payload.so", kCrowded);
  RunResult done = apply();
  expectUntouched(done, "no-space-in-reach", 3);
  EXPECT_EQ(stateOf(child_->pid()), before);
}

// What needs no memory near the code is served: variables, and jumps inside the program.
TEST_F(Crowded, NoRoomNearTheCodeAndNoneNeeded) {
  start({kCrowded, "full"});
  folder_.write("fix.lp", "target " + kCrowded + "\njmp handle other\nset limit i32 500 was 100\n");
  RunResult done = apply();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "handle 2000 limit 500 greeting hello");
  EXPECT_EQ(revert().status, 0);
  folder_.write("fix.lp",
                "target " + kCrowded + "\ndl p payload.so\nset callee addr $p:fix\nset greeting addr $p:text\n");
  done = apply();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "handle 2002 limit 100 greeting patched");
  EXPECT_EQ(revert().status, 0);
  EXPECT_EQ(ask(), kLinkageBefore);
}

} // namespace
} // namespace lpc::test
