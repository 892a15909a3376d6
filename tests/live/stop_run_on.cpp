// Threads that stand and are let run on for a moment, alone, within a stop.
#include <signal.h>

#include <algorithm>
#include <sstream>

#include "runtime/proc_text.h"
#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;

constexpr std::chrono::microseconds kMoment{1000};

// Two threads that count up, and one that sleeps.
class RunOn : public testing::Test {
protected:
  RunOn() : child_({target("crowd"), "3", "2"}), process_(opened(child_.pid())) {
    std::string word;
    std::istringstream ready(child_.lineWith("ready").value_or(""));
    ready >> word >> word >> std::hex >> counters_.value;
  }
  uint64_t count(unsigned spinner) { return process_.readWord(counters_ + 64 * spinner).value_or(0); }
  // Once both stand as running ones: when lpc looks, one may just not be.
  Result<void> stopBoth(Tracees &tracees, const Inspection &ran) {
    bool both = false;
    Result<void> done{};
    for (auto limit = in(std::chrono::seconds(20)); !both && Clock::now() < limit; tracees.resume()) {
      done = tracees.stop(limit, std::chrono::microseconds::max(), [&](auto threads) -> Result<void> {
        both = threads.size() == 2 && threads[0]->running && threads[1]->running;
        return both ? ran(threads) : Result<void>{};
      });
      if (!done) break;
    }
    EXPECT_TRUE(both);
    return done;
  }

  Child child_;
  Process process_;
  RemoteAddress counters_{};
};

TEST_F(RunOn, OnlyTheThreadThatIsLetRuns) {
  Tracees tracees = traceesOf(process_);
  EXPECT_EQ("", messageOf(stopBoth(tracees, [&](auto threads) -> Result<void> {
              for (const StoppedThread *thread : threads) {
                uint64_t before[] = {count(0), count(1)};
                // Until it has been on a processor.
                bool ran = eventually([&] {
                  auto stands = tracees.runOn(*thread, kMoment);
                  return stands.value_or(false) && (count(0) != before[0] || count(1) != before[1]);
                });
                EXPECT_TRUE(ran);
                EXPECT_NE(count(0) == before[0], count(1) == before[1]) << "both ran, or none";
                EXPECT_EQ(threadState(process_.pid(), thread->tid), 't');
                uint64_t after[] = {count(0), count(1)};
                EXPECT_EQ(after[0], count(0));
                EXPECT_EQ(after[1], count(1));
              }
              return {};
            })));
  EXPECT_EQ(stateOf(child_.pid()).tracer, 0);
  child_.send("\n");
  EXPECT_TRUE(child_.lineWith("alive"));
}

TEST_F(RunOn, AThreadThatIsKilledStandsNoMore) {
  Tracees tracees = traceesOf(process_);
  EXPECT_EQ("", messageOf(stopBoth(tracees, [&](auto threads) -> Result<void> {
              kill(process_.pid(), SIGKILL);
              auto stands = tracees.runOn(*threads[0], kMoment);
              EXPECT_FALSE(stands.value_or(false));
              return {};
            })));
  tracees.detach();
  EXPECT_TRUE(eventually([&] { return !child_.alive(); }));
}

// Whoever is made by a thread that is let run stands in the end, like all others.
TEST(RunOnBirths, AreStopped) {
  Child child({target("births")});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  Tracees tracees = traceesOf(process);
  size_t born = 0;
  for (auto limit = in(std::chrono::seconds(20)); born < 20 && Clock::now() < limit; tracees.resume()) {
    std::vector<pid_t> before;
    int chances = 20; // those that are born need not make others
    ASSERT_EQ("", messageOf(tracees.stop(limit, std::chrono::microseconds::max(), [&](auto threads) -> Result<void> {
                for (const StoppedThread *thread : threads)
                  for (int i = 0; thread->running && i < 10 && chances > 0; i++, chances--) {
                    before = threadIds(process.pid()).value_or(std::vector<pid_t>{});
                    if (!tracees.runOn(*thread, std::chrono::microseconds(50)).value_or(false)) break;
                  }
                return {};
              })));
    for (pid_t tid : threadIds(process.pid()).value_or(std::vector<pid_t>{})) {
      char state = threadState(process.pid(), tid);
      EXPECT_TRUE(state == 't' || state == 'Z' || state == 'X') << state;
      if (!before.empty() && std::ranges::find(before, tid) == before.end()) born++;
    }
  }
  EXPECT_GE(born, 20U);
}

// Signals arrive all the time: most moments end in front of one, which the next moment delivers.
TEST(RunOnSignals, AStormIsDeliveredInOrderAndWhole) {
  Child child({target("signals"), "running"});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  Tracees tracees = traceesOf(process);
  constexpr int kAll = 2000;
  int sent = 0;
  unsigned moments = 0;
  auto send = [&] { sent += sigqueue(child.pid(), SIGRTMIN, {.sival_int = sent}) == 0 ? 1 : 0; };
  for (auto limit = in(std::chrono::seconds(60)); sent < kAll && Clock::now() < limit; tracees.resume()) {
    send();
    EXPECT_EQ("", messageOf(tracees.stop(limit, std::chrono::microseconds::max(), [&](auto threads) -> Result<void> {
                for (const StoppedThread *thread : threads)
                  for (int i = 0; thread->running && i < 5 && sent < kAll; i++, moments++) {
                    send();
                    auto stands = tracees.runOn(*thread, std::chrono::microseconds(20));
                    if (!stands || !*stands) ADD_FAILURE() << messageOf(stands);
                  }
                return {};
              })));
  }
  EXPECT_EQ(sent, kAll);
  EXPECT_GT(moments, 0U);
  std::string last;
  EXPECT_TRUE(eventually([&] {
    child.send("\n");
    last = child.lineWith("count").value_or("");
    return last == "count " + std::to_string(kAll) + " wrong 0";
  })) << last;
}

} // namespace
} // namespace lpc::runtime
