// lpc is killed at its system calls while it works on a program that allocates by jemalloc: at any of them a thread of
// the program may wait for its stand-in. The program runs on, and the next command puts in order what was left.
//
//     LPC_SWEEP=full live_other_allocator_kills        killed at every single stop
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/live/other_allocator.h"
#include "tests/support/traced_run.h"

namespace lpc::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

// A kill in the middle of a borrow leaves its stub behind the code of the process, where there is room for some tens.
constexpr int kKillsOfOneProcess = 40;

class OtherAllocatorKills : public OtherAllocator, public testing::WithParamInterface<std::tuple<bool, int>> {
protected:
  TracedRun traced(bool reverting, int n) {
    std::vector<std::string> words = {LPC_COMMAND, "apply", "fix.lp", "--pid", pid(), "--timeout", "30s"};
    if (reverting) words = {LPC_COMMAND, "revert", "fix", "--pid", pid(), "--timeout", "30s"};
    return runTraced(words, n, killIt);
  }
  void killedAt(bool reverting, int n) {
    if (reverting) {
      ASSERT_EQ(applied().status, 0);
    }
    TracedRun run = traced(reverting, n);
    EXPECT_FALSE(run.hung) << run.output;
    ASSERT_TRUE(child_->alive()) << run.output;
    EXPECT_THAT(answer("c"), AnyOf(StartsWith("handle 0 limit 100 mixed 0"), StartsWith("handle 1 limit 500 mixed 0")));
    EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); })) << statesOf(child_->pid());
    RunResult next = applied();
    EXPECT_EQ(next.status, 0) << next.err;
    EXPECT_THAT(answer(), StartsWith("handle 1 limit 500 mixed 0"));
    RunResult last = reverted();
    for (int i = 0; i < 20 && mapped().find("/memfd:livepatch (") != std::string::npos; i++)
      last = reverted(); // memory that a word on a stack seemed to point into
    SCOPED_TRACE(next.out + next.err + last.out + last.err);
    EXPECT_THAT(answer(), StartsWith("handle 0 limit 100 mixed 0"));
    EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); })) << statesOf(child_->pid());
    EXPECT_THAT(mapped(), testing::Not(HasSubstr("/memfd:livepatch (")));
  }
};

TEST_P(OtherAllocatorKills, AtItsSystemCalls) {
  const auto &[reverting, threads] = GetParam();
  startWith(threads);
  object(kPayloadWithAll);
  folder_.write("fix.lp", kPatch);
  if (reverting) {
    ASSERT_EQ(applied().status, 0);
  }
  const int total = traced(reverting, 0).stops;
  ASSERT_GT(total, 100);
  if (!reverting) {
    ASSERT_EQ(reverted().status, 0);
  }
  const char *sweep = getenv("LPC_SWEEP");
  int step = sweep && std::string(sweep) == "full" ? 1 : std::max(total / 15, 1) | 1;
  int kills = 0;
  for (int n = step == 1 ? 1 : 1 + getpid() % step; n <= total && !HasFailure(); n += step, kills++) {
    SCOPED_TRACE("killed at stop " + std::to_string(n) + " of about " + std::to_string(total));
    if (kills % kKillsOfOneProcess == kKillsOfOneProcess - 1) again(threads);
    killedAt(reverting, n);
  }
  std::cout << kills << " kills at " << total << " stops\n";
}

INSTANTIATE_TEST_SUITE_P(Live, OtherAllocatorKills, testing::Combine(testing::Bool(), testing::Values(0, 2)),
                         [](const auto &test) {
                           return std::string(std::get<0>(test.param) ? "Revert" : "Apply") +
                                  (std::get<1>(test.param) == 0 ? "Alone" : "Among2Threads");
                         });

} // namespace
} // namespace lpc::test
