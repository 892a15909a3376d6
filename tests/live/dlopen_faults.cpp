// `dlopen` when things go wrong: constructors that do not come back, lpc killed at its system calls, and a program that
// hammers its allocator while objects come and go.
//
//     LPC_DLOPENS=1000 live_dlopen_faults --gtest_filter=*AThousandTimes      the long form
//     LPC_SWEEP=full live_dlopen_faults                                       killed at every single stop
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/live/dlopen.h"
#include "tests/support/traced_run.h"

namespace lpc::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

// A kill in the middle of a borrow leaves its stub behind the code of the process, where there is room for some tens.
constexpr int kKillsOfOneProcess = 50;

class DlopenFaults : public Dlopen {
protected:
  void restartAfter(int kills) {
    if (kills % kKillsOfOneProcess != kKillsOfOneProcess - 1) return;
    child_.emplace(std::vector<std::string>{folder_.path() + "/program", "2"});
    ASSERT_EQ(child_->line(), "ready");
  }
  TracedRun traced(std::vector<std::string> words, int n) {
    words.insert(words.begin(), LPC_COMMAND);
    return runTraced(words, n, killIt);
  }
  void killedAt(const std::vector<std::string> &words, int n, bool applied);
  void killedEverywhere(bool applied);
};

TEST_F(DlopenFaults, AConstructorCrashes) {
  start(2);
  object("__attribute__((constructor)) static void begin(void) { *(volatile int *)16 = 1; } int fix(int x) { return x "
         "+ 1; }");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("raised SIGSEGV at 0x"));
  EXPECT_THAT(done.err, HasSubstr("[call-failed]"));
  EXPECT_THAT(answer(), StartsWith("handle 0 limit 100 mixed 0"));
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

TEST_F(DlopenFaults, AConstructorDoesNotEnd) {
  start(2);
  object("__attribute__((constructor)) static void begin(void) { for (;;) __asm__ volatile(\"pause\"); } int fix(int "
         "x) { return x + 1; }");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n", {"--timeout", "500ms"});
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("did not return within 500 ms"));
  EXPECT_THAT(answer(), StartsWith("handle 0 limit 100 mixed 0"));
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

// After the kill the process runs on; the next command, and one revert more, leave it as it was before.
void DlopenFaults::killedAt(const std::vector<std::string> &words, int n, bool applied) {
  if (applied) {
    ASSERT_EQ(lpc({"apply", "fix.lp", "--pid", pid()}).status, 0);
  }
  TracedRun run = traced(words, n);
  EXPECT_FALSE(run.hung) << run.output;
  ASSERT_TRUE(child_->alive()) << run.output;
  EXPECT_THAT(answer("c"), AnyOf(StartsWith("handle 0 limit 100 mixed 0"), StartsWith("handle 1 limit 500 mixed 0"),
                                 StartsWith("handle 2 limit 500 mixed 0")));
  RunResult next = lpc({"apply", "fix.lp", "--pid", pid()});
  EXPECT_EQ(next.status, 0) << next.err;
  EXPECT_THAT(answer(), HasSubstr("limit 500 mixed 0"));
  RunResult last = revert();
  for (int i = 0; i < 20 && mapped().find("/memfd:livepatch (") != std::string::npos; i++)
    last = revert(); // memory that a word on a stack seemed to point into
  SCOPED_TRACE(next.out + next.err + last.out + last.err);
  EXPECT_THAT(answer(), StartsWith("handle 0 limit 100 mixed 0"));
  EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); })) << stateOf(child_->pid()).threads;
  // Killed where a worker may come to be or not, lpc leaves the memory that it would need.
  EXPECT_THAT(mapped(), testing::Not(HasSubstr("/memfd:livepatch (")));
  EXPECT_THAT(mapped(), testing::Not(HasSubstr("own.so")));
  EXPECT_THAT(lpc({"status", "--pid", pid()}).out, HasSubstr("no patches"));
}

void DlopenFaults::killedEverywhere(bool applied) {
  start(2);
  object(kOwnThreadLocals);
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  std::vector<std::string> words = {"apply", "fix.lp", "--pid", pid()};
  if (applied) words = {"revert", "fix", "--pid", pid()};
  if (applied) {
    ASSERT_EQ(lpc({"apply", "fix.lp", "--pid", pid()}).status, 0);
  }
  int total = traced(words, 0).stops;
  ASSERT_GT(total, 100);
  if (!applied) {
    ASSERT_EQ(revert().status, 0);
  }
  const char *sweep = getenv("LPC_SWEEP");
  int step = sweep && std::string(sweep) == "full" ? 1 : std::max(total / 20, 1) | 1;
  int kills = 0;
  for (int n = step == 1 ? 1 : 1 + getpid() % step; n <= total && !HasFailure(); n += step, kills++) {
    SCOPED_TRACE("killed at stop " + std::to_string(n) + " of about " + std::to_string(total));
    restartAfter(kills);
    words[3] = pid();
    killedAt(words, n, applied);
  }
  std::cout << kills << " kills at " << total << " stops\n";
}

TEST_F(DlopenFaults, LpcDiesInApply) { killedEverywhere(false); }
TEST_F(DlopenFaults, LpcDiesInRevert) { killedEverywhere(true); }

// From its call to the moment when it stands elsewhere than in front of its signal, the signal of a constructor is the
// process's: some of lpc's system calls long. After that the worker holds, and the next command leads it out.
TEST_F(DlopenFaults, LpcDiesWhileAConstructorIsLeft) {
  start(2);
  object(kOwnThreadLocals, "lib");
  std::string crash = "extern void say(const char *); int new_limit = 500;\n"
                      "__attribute__((constructor)) static void begin(void) { *(volatile int *)16 = 1; }\n"
                      "int fix(int x) { return x + 1; }";
  object(crash);
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  std::vector<std::string> words = {"apply", "fix.lp", "--pid", pid()};
  int total = traced(words, 0).stops, died = 0, kills = 0;
  ASSERT_GT(total, 100);
  const char *sweep = getenv("LPC_SWEEP");
  int step = sweep && std::string(sweep) == "full" ? 1 : std::max(total / 40, 1) | 1;
  for (int n = step == 1 ? 1 : 1 + getpid() % step; n <= total && !HasFailure(); n += step, kills++) {
    SCOPED_TRACE("killed at stop " + std::to_string(n) + " of about " + std::to_string(total));
    restartAfter(kills);
    words[3] = pid();
    TracedRun run = traced(words, n);
    EXPECT_FALSE(run.hung) << run.output;
    if (auto status = child_->wait(std::chrono::milliseconds(run.acted ? 50 : 0))) {
      EXPECT_EQ(*status, 128 + SIGSEGV);
      died++;
      child_.emplace(std::vector<std::string>{folder_.path() + "/program", "2"});
      ASSERT_EQ(child_->line(), "ready");
      continue;
    }
    RunResult next = lpc({"revert", "fix", "--pid", pid()}); // puts in order what was left
    EXPECT_THAT(next.err, HasSubstr("no patch named")) << next.status << next.out << run.output;
    EXPECT_EQ(answer("l " + folder_.path() + "/lib.so"), "loaded 1 closed 0");
    EXPECT_THAT(answer("c"), StartsWith("handle 0 limit 100 mixed 0"));
    EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); }));
  }
  EXPECT_LE(died, kills / 5);
  std::cout << kills << " kills at " << total << " stops; " << died << " before the worker held\n";
}

TEST_F(DlopenFaults, AThousandTimes) {
  start(4);
  object(kOwnThreadLocals);
  const char *wanted = getenv("LPC_DLOPENS");
  int times = wanted ? atoi(wanted) : 30;
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  for (int i = 0; i < times; i++) {
    SCOPED_TRACE("time " + std::to_string(i));
    RunResult done = lpc({"apply", "fix.lp", "--pid", pid(), "--timeout", "30s", "--max-pause", "1s"});
    ASSERT_EQ(done.status, 0) << done.err;
    ASSERT_EQ(answer("c"), "handle 1 limit 500 mixed 0 said ");
    done = revert("fix", {"--timeout", "30s", "--max-pause", "1s"});
    ASSERT_EQ(done.status, 0) << done.err;
    ASSERT_EQ(answer(), "handle 0 limit 100 mixed 0 said end ");
  }
  for (int i = 0; i < 20 && mapped().find("livepatch") != std::string::npos; i++)
    (void)revert();
  expectAsBefore();
}

} // namespace
} // namespace lpc::test
