// lpc or its target is killed at a system call of `lpc apply` or `lpc revert`, and what must be true is true.
//
// lpc runs under a tracer that acts at its n-th stop (the entry or the exit of a system call), for many n up to its
// natural end. By default they are so many that all tests together take less than half a minute, other ones in each
// run; every single one is done by
//
//     LPC_SWEEP=full live_faults                                   (half an hour on a busy machine)
//     LPC_SWEEP=full live_faults --gtest_filter=Faults.LpcDiesInApply
//     LPC_SWEEP=1234 live_faults                                   the 1234th stop alone
//
// After lpc was killed: the process lives, all its threads are there and run untraced, it has the whole patch or
// nothing of it, and `lpc status` says which. The next command, apply and revert by turns, does what it was asked for.
// After the last revert threads, mappings and descriptors are those of before.
// After the target was killed: lpc ends by itself, and does not call it a bug or a half-changed process.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "backend/plan.h"
#include "backend/registry.h"
#include "tests/live/service.h"
#include "tests/live/unharmed.h"
#include "tests/support/traced_run.h"

namespace lpc::test {
namespace {

using backend::RecordState;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kThreads = 8;
constexpr int kPerTarget =
    20; // a new target from time to time: so that nothing that is used up goes unnoticed for long
constexpr const char *kNew = "func_J 4100 str_P a new message number 6 text some text table 01 02 03 04 00 00 wrong 0";

// The numbers of the stops at which something is done: all, one, or about `wanted`, beginning somewhere.
struct Stops {
  int first, step;
  Stops(int total, int wanted) {
    const char *sweep = getenv("LPC_SWEEP");
    bool full = sweep && std::string(sweep) == "full";
    step = full ? 1 : std::max(total / wanted, 1) | 1; // odd: entries and exits by turns
    first = full ? 1 : 1 + static_cast<int>(static_cast<unsigned>(getpid()) % static_cast<unsigned>(step));
    if (sweep && atoi(sweep) > 0) first = atoi(sweep), step = 1'000'000'000;
  }
};

class Faults : public testing::Test {
protected:
  Faults() {
    folder_.write("fix.lp", "patch fix version \"1\"\ndl foo " + kPayload +
                                "\njmp func_J $foo:func1\nset str_P addr $foo:patch_message\nset number int 6\n");
  }

  struct Command {
    bool apply;
    [[nodiscard]] std::vector<std::string> words(const Service &service) const {
      if (apply) return {"apply", "fix.lp", "--pid", service.pidText()};
      return {"revert", "fix", "--pid", service.pidText()};
    }
    [[nodiscard]] RunResult operator()(const Service &service) const { return lpc(words(service)); }
    [[nodiscard]] TracedRun traced(const Service &service, int n, const std::function<void(pid_t)> &act) const {
      std::vector<std::string> all = words(service);
      all.insert(all.begin(), LPC_COMMAND);
      return runTraced(all, n, act);
    }
  };
  static constexpr Command kApply{true}, kRevert{false};

  // What a sweep that kills lpc does at one stop. True: lpc came to its end before it.
  bool killLpc(Service &service, Command command, int n, bool applyNext, bool atOnce);
  void expectUnharmed(Service &service, const ProcessState &before, bool finished);
  void killLpcEverywhere(Command command);
  void killTargetEverywhere(Command command);
  void expectStatus(const Service &service, bool isNew, bool finished);
  void expectAsBefore(Service &service, const ProcessState &before);
  int stopsOf(Command command);

  WorkFolder folder_;
  int found_[2] = {0, 0}; // processes found old, new after a kill
};

// How many stops an undisturbed run has.
int Faults::stopsOf(Command command) {
  Service service(kThreads);
  if (!command.apply) {
    EXPECT_EQ(kApply(service).status, 0);
  }
  TracedRun run = command.traced(service, 0, killIt);
  EXPECT_EQ(run.status, 0) << run.output;
  return run.stops;
}

// `finished`: nothing of an earlier command may be left.
void Faults::expectStatus(const Service &service, bool isNew, bool finished) {
  RunResult status = lpc({"status", "--pid", service.pidText()});
  EXPECT_EQ(status.status, 0) << status.err;
  if (!isNew) {
    EXPECT_THAT(status.out, Not(HasSubstr("fix 1: applied")));
  } else if (finished) {
    EXPECT_THAT(status.out, HasSubstr("fix 1: applied"));
  } else {
    EXPECT_THAT(status.out, AnyOf(HasSubstr("fix 1: applied"), HasSubstr("fix 1: interrupted")));
  }
  if (finished) {
    EXPECT_THAT(status.out, Not(AnyOf(HasSubstr("interrupted"), HasSubstr("prepared"))));
  }
}

// Memory that a word on a stack seemed to point into is kept at first, and given back by a later command.
void Faults::expectAsBefore(Service &service, const ProcessState &before) {
  for (int i = 0; i < 20 && stateOf(service.pid()) != before; i++)
    (void)kRevert(service);
  EXPECT_EQ(stateOf(service.pid()), before);
  EXPECT_EQ(service.call(), Service::kOriginal);
}

// After the kill, before anything else is done. `finished`: there was none.
void Faults::expectUnharmed(Service &service, const ProcessState &before, bool finished) {
  ASSERT_TRUE(eventually([&] { return runsAsBefore(service.pid(), before); }))
      << "states " << statesOf(service.pid()) << ", " << testing::PrintToString(stateOf(service.pid()))
      << " instead of " << testing::PrintToString(before);
  std::string answer = service.call();
  EXPECT_THAT(answer, AnyOf(Service::kOriginal, kNew));
  bool isNew = answer == kNew;
  found_[isNew]++;
  expectStatus(service, isNew, finished);
}

// `atOnce`: the next command follows so closely that lpc's threads may still be on their way out.
bool Faults::killLpc(Service &service, Command command, int n, bool applyNext, bool atOnce) {
  ProcessState before = stateOf(service.pid());
  if (!command.apply) {
    EXPECT_EQ(kApply(service).status, 0);
  }
  TracedRun run = command.traced(service, n, killIt);
  RunResult next;
  if (atOnce) next = (applyNext ? kApply : kRevert)(service);

  EXPECT_FALSE(run.hung) << run.output;
  EXPECT_EQ(run.status, run.acted ? 128 + SIGKILL : 0) << run.output;
  EXPECT_TRUE(service.child().alive());
  if (!atOnce) {
    expectUnharmed(service, before, !run.acted);
    next = (applyNext ? kApply : kRevert)(service);
  }
  if (HasFailure()) return true;

  if (!applyNext && next.status == 3) {
    EXPECT_THAT(next.err, HasSubstr("[not-applied]"));
  } else {
    EXPECT_EQ(next.status, 0) << next.err;
  }
  EXPECT_EQ(service.call(), applyNext ? kNew : Service::kOriginal) << next.out << next.err;
  expectStatus(service, applyNext, true);
  if (applyNext) {
    EXPECT_EQ(kRevert(service).status, 0);
  }
  expectAsBefore(service, before);
  EXPECT_TRUE(runsAsBefore(service.pid(), before)) << "states " << statesOf(service.pid());
  return !run.acted;
}

void Faults::killLpcEverywhere(Command command) {
  int total = stopsOf(command);
  Stops stops(total, 30);
  std::optional<Service> service;
  int kills = 0;
  for (int n = stops.first; !HasFailure(); n += stops.step) {
    SCOPED_TRACE("killed at stop " + std::to_string(n) + " of about " + std::to_string(total));
    if (kills++ % kPerTarget == 0) service.emplace(kThreads);
    if (killLpc(*service, command, n, (kills & 1) != 0, (kills & 2) != 0)) break;
    if (stops.step > total) break;
  }
  std::cout << kills << " kills at " << total << " stops: found " << found_[0] << " times old, " << found_[1]
            << " times new\n";
}

void Faults::killTargetEverywhere(Command command) {
  int total = stopsOf(command);
  Stops stops(total, 15);
  int statuses[5] = {};
  for (int n = stops.first; !HasFailure() && n <= total + stops.step; n += stops.step) {
    SCOPED_TRACE("target killed at stop " + std::to_string(n) + " of about " + std::to_string(total));
    Service service(kThreads);
    if (!command.apply) {
      ASSERT_EQ(kApply(service).status, 0);
    }
    TracedRun run = command.traced(service, n, [&](pid_t) { service.child().signal(SIGKILL); });
    EXPECT_FALSE(run.hung) << run.output;
    EXPECT_THAT(run.status, AnyOf(0, 3, 4)) << run.output;
    if (run.status < 5) statuses[run.status]++;
    if (run.acted) {
      EXPECT_EQ(service.child().wait(), 128 + SIGKILL);
    }
  }
  std::cout << total << " stops: " << statuses[0] << " times done, " << statuses[3] << " times refused, " << statuses[4]
            << " times rolled back\n";
}

TEST_F(Faults, LpcDiesInApply) { killLpcEverywhere(kApply); }
TEST_F(Faults, LpcDiesInRevert) { killLpcEverywhere(kRevert); }
TEST_F(Faults, TheTargetDiesInApply) { killTargetEverywhere(kApply); }
TEST_F(Faults, TheTargetDiesInRevert) { killTargetEverywhere(kRevert); }

// The state that the sweeps hardly ever see, because the player finishes what it began: made by hand.
class Interrupted : public Faults {
protected:
  // As if a switch had been cut off after some of its places.
  static void cutOff(const Service &service, RecordState state) {
    auto process = Process::open(service.pid());
    LPC_ASSERT_OK(process);
    auto snapshot = backend::look(*process);
    LPC_ASSERT_OK(snapshot);
    auto records = backend::readRegistry(*process, snapshot->maps);
    LPC_ASSERT_OK(records);
    ASSERT_EQ(records->size(), 1U);
    const backend::FoundRecord &found = records->front();
    ASSERT_EQ(found.record.changes.size(), 3U);
    Bytes word;
    appendLittle(word, static_cast<uint64_t>(state), 8);
    LPC_ASSERT_OK(process->write(found.range.begin + backend::kStateOffset, word));
    const backend::RecordedChange &change = found.record.changes.back();
    ASSERT_FALSE(change.code);
    LPC_ASSERT_OK(process->write(change.address, change.oldBytes));
  }
};

TEST_F(Interrupted, IsSaidAndRepairedByApply) {
  for (RecordState state : {RecordState::Switching, RecordState::Reverting}) {
    Service service(kThreads);
    ASSERT_EQ(kApply(service).status, 0);
    cutOff(service, state);
    EXPECT_THAT(service.call(), HasSubstr("number 5"));
    EXPECT_THAT(lpc({"status", "--pid", service.pidText()}).out, HasSubstr("fix 1: interrupted"));
    RunResult next = kApply(service);
    EXPECT_EQ(next.status, 0) << next.err;
    EXPECT_EQ(service.call(), kNew);
    expectStatus(service, true, true);
    EXPECT_EQ(kRevert(service).status, 0);
    service.expectUntouched();
  }
}

TEST_F(Interrupted, IsSaidAndRepairedByRevert) {
  for (RecordState state : {RecordState::Switching, RecordState::Reverting}) {
    Service service(kThreads);
    ASSERT_EQ(kApply(service).status, 0);
    cutOff(service, state);
    RunResult next = kRevert(service);
    EXPECT_THAT(next.status, AnyOf(0, 3)) << next.err;
    expectStatus(service, false, true);
    service.expectUntouched();
  }
}

} // namespace
} // namespace lpc::test
