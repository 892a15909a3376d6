// Whole commands on a process whose threads wait in all the ways there are (targets/calls.c). The measure is the same
// process without us: every call returns what it returns there.
//
// What this shows is the table of docs/how-it-works.md, "System calls in flight".
#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <map>
#include <sstream>

#include "backend/play.h"
#include "ir/text.h"
#include "tests/live/agent_support.h"
#include "tests/live/service.h"

namespace lpc::test {
namespace {

// Their relative timeouts start anew after a stop, because the kernel would have them fail with EINTR.
const std::vector<std::string> kBegunAnew = {
    "recv-timed",   "read-socket-timed", "recvmsg-timed",      "recvmmsg-timed",       "send-timed",
    "accept-timed", "connect-timed",     "connect-tcp-timed",  "epoll_wait-timed",     "epoll_pwait-timed",
    "epoll_pwait2", "sigtimedwait",      "io_getevents-timed", "io_uring_enter-timed", "semtimedop"};

struct Answer {
  long result = 0;
  int error = 0;
  std::string when; // "early": before there was a reason; "again": it took more than one signal
  long milliseconds = 0;
};
using Answers = std::map<std::string, Answer>;

// Result, error and moment of each, as text: two processes are compared by it.
std::map<std::string, std::string> withoutTimes(const Answers &answers) {
  std::map<std::string, std::string> texts;
  for (const auto &[name, answer] : answers)
    texts[name] = std::to_string(answer.result) + " errno " + std::to_string(answer.error) + " " + answer.when;
  return texts;
}

class Waiting {
public:
  explicit Waiting(const std::vector<std::string> &words = {}) : child_(argv(words)) {
    auto line = child_.line();
    while (line && line->starts_with("missing")) {
      std::cerr << "not offered by this kernel: " << line->substr(8) << "\n";
      line = child_.line();
    }
    EXPECT_TRUE(line && line->starts_with("ready ")) << line.value_or("no answer");
    if (line) calls_ = std::stoul(line->substr(6));
    before_ = stateOf(pid());
  }
  static std::string program() { return kBinaries + "/target_calls_pie"; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] std::string pidText() const { return std::to_string(pid()); }
  [[nodiscard]] size_t calls() const { return calls_; }
  Child &child() { return child_; }

  std::string call() {
    child_.send("call\n");
    return child_.line().value_or("(no answer)");
  }
  // `what` decides what they are given: targets/calls.c.
  Answers answers(const std::string &what) {
    child_.send(what + "\n");
    Answers answers;
    for (auto line = child_.line(20s); line && *line != "end"; line = child_.line(20s)) {
      std::istringstream words(*line);
      std::string name;
      Answer answer;
      words >> name >> answer.result >> answer.error >> answer.when >> answer.milliseconds;
      answers[name] = answer;
    }
    EXPECT_EQ(answers.size(), calls_) << "still waiting in " << systemCalls();
    EXPECT_EQ(child_.wait(), 0);
    return answers;
  }
  void expectNothingLeft() {
    ProcessState now = stateOf(pid());
    EXPECT_EQ(now.mappings, before_.mappings);
    EXPECT_EQ(now.descriptors, before_.descriptors);
    EXPECT_EQ(now.tracer, 0);
  }

private:
  // The numbers of those that its threads are in.
  [[nodiscard]] std::string systemCalls() const {
    std::string numbers, number;
    for (pid_t tid : runtime::threadIds(pid()).value_or(std::vector<pid_t>{}))
      if (std::ifstream("/proc/" + std::to_string(tid) + "/syscall") >> number) numbers += number + " ";
    return numbers;
  }
  static std::vector<std::string> argv(std::vector<std::string> words) {
    words.insert(words.begin(), program());
    return words;
  }
  Child child_;
  size_t calls_ = 0;
  ProcessState before_;
};

class Calls : public testing::Test {
protected:
  Calls() {
    folder_.write("calls.lp", "patch calls\ntarget " + Waiting::program() + "\ndl p " + kBinaries +
                                  "/outer.so\njmp outer $p:outer_new\n");
  }

  static void expectDone(const RunResult &result) { EXPECT_EQ(result.status, 0) << result.out << result.err; }
  static void applyAndRevert(Waiting &waiting) {
    expectDone(lpc({"apply", "calls.lp", "--pid", waiting.pidText()}));
    EXPECT_EQ(waiting.call(), "outer 1001");
    expectDone(lpc({"revert", "calls", "--pid", waiting.pidText()}));
    EXPECT_EQ(waiting.call(), "outer 2");
  }

  WorkFolder folder_;
};

TEST_F(Calls, ReturnWhatTheyWouldHaveReturned) {
  Waiting alone, patched;
  EXPECT_GE(patched.calls(), 70U);
  applyAndRevert(patched);
  patched.expectNothingLeft();
  EXPECT_EQ(withoutTimes(patched.answers("")), withoutTimes(alone.answers("")));
}

TEST_F(Calls, ASignalEndsThemAfterwards) {
  Waiting alone, patched;
  applyAndRevert(patched);
  Answers expected = alone.answers("signal");
  EXPECT_EQ(withoutTimes(patched.answers("signal")), withoutTimes(expected));
  EXPECT_GT(std::ranges::count(expected, EINTR, [](const auto &each) { return each.second.error; }), 60);
}

// The signals come while lpc works: before, during and after the stop of each thread, in another order in each round.
// One may be handled in the instant between a thread's release and the renewed call, as one of the program itself may
// be in front of any such call. Where the call changes the signal mask, to exclude just that, it is excluded.
const std::vector<std::string> kAtomic = {"ppoll", "pselect", "epoll_pwait", "epoll_pwait-timed", "sigsuspend"};

TEST_F(Calls, ASignalEndsThemMeanwhile) {
  auto expected = withoutTimes(Waiting().answers("signal"));
  for (int round = 0; round < 3; round++) {
    Waiting patched;
    Child command({LPC_COMMAND, "apply", "calls.lp", "--pid", patched.pidText(), "--format", "json"});
    usleep(static_cast<useconds_t>(round) * 3000); // any moment will do; each round takes a later one
    Answers found = patched.answers("signal");
    for (auto &[name, answer] : found)
      if (answer.when == "again" && std::ranges::find(kAtomic, name) == kAtomic.end()) answer.when = "ok";
    EXPECT_EQ(withoutTimes(found), expected);
    auto status = command.wait(60s); // the process may have ended before lpc had done
    EXPECT_TRUE(status == 0 || status == 3) << status.value_or(-1);
  }
}

// The process is stopped when half of the time is over. No call ends before its time. Those that keep their time end
// before all that begin anew.
TEST_F(Calls, TimeoutsAreKeptOrBeginAnew) {
  constexpr long kLimit = 1600;
  Waiting alone({"--limit", std::to_string(kLimit)}), patched({"--limit", std::to_string(kLimit)});
  patched.child().send("half\n");
  ASSERT_EQ(patched.child().line(), "half");
  applyAndRevert(patched);
  Answers expected = alone.answers("wait"), found = patched.answers("wait");
  // A connection that is under way still when the call begins anew is one that was asked for before.
  EXPECT_EQ(expected["connect-tcp-timed"].error, EINPROGRESS);
  EXPECT_EQ(found["connect-tcp-timed"].error, EALREADY);
  expected["connect-tcp-timed"].error = EALREADY;
  EXPECT_EQ(withoutTimes(found), withoutTimes(expected));
  long lastKept = 0, firstAnew = 1'000'000;
  for (const auto &[name, answer] : found) {
    bool anew = std::ranges::find(kBegunAnew, name) != kBegunAnew.end();
    EXPECT_GE(answer.milliseconds, anew ? kLimit + kLimit / 2 - 50 : kLimit - 5) << name; // 50: until all had begun
    if (anew)
      firstAnew = std::min(firstAnew, answer.milliseconds);
    else
      lastKept = std::max(lastKept, answer.milliseconds);
  }
  EXPECT_LT(lastKept, firstAnew);
}

// What a call has done before it sleeps is what it returns after a stop, as after a signal: at least that, never an
// error.
TEST_F(Calls, WhatIsDoneInPartIsTold) {
  Waiting patched({"partly-write-pipe", "partly-send", "partly-recv-all", "partly-io_uring_enter"});
  applyAndRevert(patched);
  for (const auto &[name, answer] : patched.answers("")) {
    EXPECT_GT(answer.result, 0) << name;
    EXPECT_EQ(answer.error, 0) << name;
  }
}

// A process for each call, in which the thread that waits in it is the one that is borrowed. By default for each sixth,
// others in each run.
TEST_F(Calls, EachIsBorrowedFrom) {
  Waiting all;
  Answers expected = all.answers("");
  RunResult dumped = lpc({"dump", "calls.lp", "--emit", "ir"});
  auto patch = ir::parseText(dumped.out);
  LPC_ASSERT_OK(patch);
  std::deque<std::pair<std::string, Waiting>> processes;
  const bool every = getenv("LPC_CALLS") != nullptr;
  auto turn = static_cast<unsigned>(getpid());
  std::erase_if(expected, [&](const auto &) { return turn++ % 6 != 0 && !every; });
  for (const auto &[name, answer] : expected)
    processes.emplace_back(name, std::vector<std::string>{"--alone", name});
  for (auto &[name, waiting] : processes) {
    SCOPED_TRACE(name);
    auto process = Process::open(waiting.pid());
    LPC_ASSERT_OK(process);
    backend::Outcome applied = backend::apply(*patch, *process, {});
    EXPECT_EQ(applied.kind, backend::OutcomeKind::Applied) << (applied.reason ? explain(*applied.reason) : "");
    EXPECT_EQ(waiting.call(), "outer 1001");
    backend::Outcome reverted = backend::revert("calls", *process, {});
    EXPECT_EQ(reverted.kind, backend::OutcomeKind::Reverted) << (reverted.reason ? explain(*reverted.reason) : "");
    waiting.expectNothingLeft();
  }
  Answers found;
  for (auto &[name, waiting] : processes)
    found.merge(waiting.answers(""));
  EXPECT_EQ(withoutTimes(found), withoutTimes(expected));
}

} // namespace
} // namespace lpc::test
