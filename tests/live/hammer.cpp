// Functions are patched and reverted again and again while eight threads call them as fast as they can.
//
// Through the library, in this process, so that it is fast: by default a hundred times an apply and a revert for each
// test, or as many as fit into some seconds on a busy machine; and
//
//     LPC_HAMMER=10000 live_hammer                    (an hour at most)
//
// so many for each, however long it takes.
//
// Every call gave the old result or the new one, the program felt every single change, and threads, mappings and
// descriptors are those of before.
#include <gmock/gmock.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>

#include "backend/play.h"
#include "ir/text.h"
#include "tests/live/agent_support.h"
#include "tests/live/service.h"

namespace lpc::test {
namespace {

using backend::Outcome;
using backend::OutcomeKind;

constexpr int kThreads = 8, kTimes = 100;
constexpr auto kTime = 6s; // of one test

struct Counts {
  uint64_t calls = 0, wrong = 0, changes = 0;
};

class Hammered {
public:
  Hammered() : child_({program(), std::to_string(kThreads)}) {
    EXPECT_EQ(child_.line(), "ready");
    before_ = stateOf(pid());
  }
  static std::string program() { return kBinaries + "/target_hammer_pie"; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] const ProcessState &before() const { return before_; }
  bool alive() { return child_.alive(); }

  Counts counts() {
    child_.send("?");
    std::istringstream words(child_.line().value_or(""));
    std::string word;
    Counts counts;
    words >> word >> counts.calls >> word >> counts.wrong >> word >> counts.changes;
    EXPECT_TRUE(words) << "no answer";
    return counts;
  }

private:
  Child child_;
  ProcessState before_;
};

class Hammer : public testing::Test {
protected:
  // The patch as IR, made once by the command.
  ir::Patch patch(const std::string &changes) {
    folder_.write("hammer.lp",
                  "patch hammer\ntarget " + Hammered::program() + "\ndl new " + kBinaries + "/hammer.so\n" + changes);
    RunResult dumped = lpc({"dump", "hammer.lp", "--emit", "ir"});
    EXPECT_EQ(dumped.status, 0) << dumped.err;
    auto parsed = ir::parseText(dumped.out);
    EXPECT_TRUE(parsed) << explain(parsed.error());
    return parsed ? std::move(*parsed) : ir::Patch{};
  }

  // Busy is no failure: the same again.
  static Outcome insist(const std::function<Outcome()> &play, int &busy) {
    for (int attempt = 0;; attempt++) {
      Outcome outcome = play();
      if (outcome.kind != OutcomeKind::Busy || attempt == 20) return outcome;
      busy++;
    }
  }

  void hammer(const std::string &changes);

  WorkFolder folder_;
};

void Hammer::hammer(const std::string &changes) {
  ir::Patch patch = this->patch(changes);
  ASSERT_FALSE(HasFailure());
  Hammered target;
  auto process = Process::open(target.pid());
  LPC_ASSERT_OK(process);
  const char *wanted = getenv("LPC_HAMMER");
  int times = wanted ? std::max(atoi(wanted), 1) : kTimes, busy = 0, done = 0;
  unsigned stops = 0;
  double pause = 0;
  uint64_t kept = 0;
  std::map<std::string, uint64_t> phases;
  Counts start = target.counts();
  auto begin = Clock::now();
  for (; done < times && (wanted || Clock::now() < begin + kTime); done++) {
    SCOPED_TRACE("time " + std::to_string(done));
    Outcome applied = insist([&] { return backend::apply(patch, *process, {}); }, busy);
    ASSERT_EQ(applied.kind, OutcomeKind::Applied) << (applied.reason ? explain(*applied.reason) : "") << applied.state;
    Outcome reverted = insist([&] { return backend::revert("hammer", *process, {}); }, busy);
    ASSERT_EQ(reverted.kind, OutcomeKind::Reverted)
        << (reverted.reason ? explain(*reverted.reason) : "") << reverted.state;
    for (const Outcome *outcome : {&applied, &reverted})
      for (const backend::Phase &phase : outcome->phases)
        phases[phase.name] += phase.microseconds;
    kept += reverted.remarks.size();
    stops += applied.stops + reverted.stops;
    pause += applied.pauseMicroseconds + reverted.pauseMicroseconds;
    ASSERT_TRUE(target.alive());
  }
  auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  Counts end = target.counts();
  EXPECT_EQ(end.wrong, 0U);
  EXPECT_GT(end.calls, start.calls);
  EXPECT_GT(end.changes, start.changes) << "the patch was never felt";
  // What a thread seemed to point into is given back by a later command.
  for (int i = 0; i < 20 && stateOf(target.pid()) != target.before(); i++)
    (void)backend::revert("hammer", *process, {});
  EXPECT_EQ(stateOf(target.pid()), target.before());
  std::cout << done << " times in " << seconds << " s, " << end.calls - start.calls << " calls, "
            << end.changes - start.changes << " changes of result, " << stops << " stops, pause "
            << pause / (2.0 * done) << " us, " << busy << " times busy, " << kept << " remarks; us on average:";
  for (const auto &[name, microseconds] : phases)
    std::cout << ' ' << name << ' ' << microseconds / (2 * static_cast<uint64_t>(done));
  std::cout << "\n";
}

TEST_F(Hammer, AFirstInstructionOfOneByte) { hammer("jmp short_first $new:new_short\n"); }
TEST_F(Hammer, AFirstInstructionAsLongAsTheJump) { hammer("jmp long_first $new:new_long\n"); }
TEST_F(Hammer, AcrossACacheLine) { hammer("jmp torn_first $new:new_torn\n"); }
TEST_F(Hammer, AllAtOnce) {
  hammer("jmp short_first $new:new_short\njmp long_first $new:new_long\njmp torn_first $new:new_torn\n");
}

} // namespace
} // namespace lpc::test
