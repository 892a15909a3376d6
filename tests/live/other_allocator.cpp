// Functions are called in programs that allocate by jemalloc as in all others: on threads that its C library has made
// in the name of one of the program's, which jemalloc knows.
//
//     LPC_STAND_INS=300 live_other_allocator --gtest_filter=*AgainAndAgain      the long form
#include <cstdlib>
#include <iostream>

#include "tests/live/other_allocator.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class OtherAllocatorCalls : public OtherAllocator, public testing::WithParamInterface<int> {};

TEST_P(OtherAllocatorCalls, ConstructorsAndFunctions) {
  startWith(GetParam());
  object(kPayloadWithAll);
  folder_.write("fix.lp", kPatch);
  RunResult done = applied();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("post-apply `handle`: 42"));
  EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
  done = reverted();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
  EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); }));
  for (int i = 0; i < 20 && mapped().find("livepatch") != std::string::npos; i++)
    (void)reverted(); // what a word on a stack seemed to point into
  expectAsBefore();
}

TEST_P(OtherAllocatorCalls, Exceptions) {
  startWith(GetParam(), {"-Wl,--no-as-needed", "-lstdc++"});
  object(R"(
    #include <stdexcept>
    #include <string>
    __attribute__((noinline)) static void refuse(int x) { throw std::runtime_error("no " + std::to_string(x)); }
    extern "C" int fix(int x) {
      try { refuse(x); } catch (const std::exception &why) { return x + (int)std::string(why.what()).size() - 3; }
      return -1;
    })",
         "own", "g++");
  folder_.write("fix.lp", "target program\ndl p own.so\njmp handle $p:fix\non post-apply call $p:fix 12345\n");
  RunResult done = applied();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("post-apply `$p:fix`: 12350"));
  EXPECT_THAT(answer(), HasSubstr("handle 1 limit 100"));
  done = reverted();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 0 limit 100"));
  EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); }));
}

TEST_P(OtherAllocatorCalls, Dlopen) {
  startWith(GetParam());
  object(kOwnThreadLocals);
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  RunResult done = applied();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
  done = reverted();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
  for (int i = 0; i < 20 && mapped().find("livepatch") != std::string::npos; i++)
    (void)reverted();
  expectAsBefore();
}

// Nothing grows, of jemalloc's either: it keeps a cache and an arena for each thread that has ended in disorder.
TEST_P(OtherAllocatorCalls, AgainAndAgain) {
  startWith(GetParam());
  object(kPayloadWithAll);
  folder_.write("fix.lp", kPatch);
  const char *wanted = getenv("LPC_STAND_INS");
  const int times = wanted ? atoi(wanted) : 15;
  long resident = 0;
  size_t mappings = 0;
  for (int i = 0; i < times; i++) {
    SCOPED_TRACE("time " + std::to_string(i));
    RunResult done = applied();
    ASSERT_EQ(done.status, 0) << done.err;
    ASSERT_EQ(answer("c"), "handle 1 limit 500 mixed 0 said ");
    done = reverted();
    ASSERT_EQ(done.status, 0) << done.err;
    ASSERT_EQ(answer(), "handle 0 limit 100 mixed 0 said end ");
    if (i != times / 3) continue;
    resident = statusOf(child_->pid(), "VmRSS"), mappings = stateOf(child_->pid()).mappings;
  }
  for (int i = 0; i < 20 && mapped().find("livepatch") != std::string::npos; i++)
    (void)reverted();
  expectAsBefore();
  std::cout << times << " times; resident " << resident << " KiB, then " << statusOf(child_->pid(), "VmRSS") << " KiB; "
            << mappings << " mappings, then " << stateOf(child_->pid()).mappings << "\n";
  EXPECT_LE(statusOf(child_->pid(), "VmRSS"), resident + 2048);
  EXPECT_LE(stateOf(child_->pid()).mappings, mappings + 2);
}

INSTANTIATE_TEST_SUITE_P(Live, OtherAllocatorCalls, testing::Values(0, 8), [](const auto &test) {
  return test.param == 0 ? std::string("Alone") : "Among" + std::to_string(test.param) + "Threads";
});

using OtherAllocatorAtStart = OtherAllocator;

// Its one thread is at the program's first instruction.
TEST_F(OtherAllocatorAtStart, ConstructorsBeforeTheProgram) {
  buildProgram();
  object(kPayloadWithAll);
  folder_.write("fix.lp", kPatch);
  child_.emplace(std::vector<std::string>{LPC_COMMAND, "run", "fix.lp", "--", folder_.path() + "/program", "2"},
                 std::vector<std::string>{"LD_PRELOAD=" + kLibrary});
  ASSERT_EQ(child_->line(), "ready");
  EXPECT_THAT(mapped(), HasSubstr(kLibrary));
  EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
  EXPECT_EQ(stateOf(child_->pid()).threads, 3U);
  RunResult done = reverted();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
}

} // namespace
} // namespace lpc::test
