// Signals and group stops of the process's own, before, during and after a stop of ours.
#include <signal.h>
#include <sys/wait.h>

#include <sstream>

#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;

bool isStopped(pid_t pid) {
  return eventually([&] { return threadState(pid, pid) == 'T'; });
}
bool isNotStopped(pid_t pid) {
  return eventually([&] { return std::string("RS").find(threadState(pid, pid)) != std::string::npos; });
}

struct Counts {
  long count = -1, wrong = -1;
};

class Counting {
public:
  Counting() { ready = child.lineWith("ready").has_value(); }
  Counts counts() {
    child.send("\n");
    Counts result;
    std::string word;
    std::istringstream line(child.lineWith("count").value_or(""));
    line >> word >> result.count >> word >> result.wrong;
    return result;
  }
  // The number `value` of the storm; false while the queue is full.
  bool send(int value) { return sigqueue(child.pid(), SIGRTMIN, {.sival_int = value}) == 0; }
  Child child{{target("signals")}};
  bool ready = false;
};

TEST(StopSignals, AStormIsDeliveredInOrderAndWhole) {
  Counting process;
  ASSERT_TRUE(process.ready);
  Process opened = test::opened(process.child.pid());
  Tracees tracees = traceesOf(opened);
  constexpr int kAll = 20000;
  int sent = 0;
  auto deadline = in(std::chrono::seconds(60));
  for (unsigned round = 0; sent < kAll && Clock::now() < deadline; round++) {
    for (int i = 0; i < 40 && sent < kAll; i++)
      sent += process.send(sent);
    ASSERT_STOPS(tracees);
    for (int i = 0; i < 10 && sent < kAll; i++)
      sent += process.send(sent); // also while it stands
    tracees.resume();
  }
  ASSERT_EQ(sent, kAll);
  EXPECT_TRUE(eventually([&] { return process.counts().count == kAll; })) << process.counts().count;
  EXPECT_EQ(process.counts().wrong, 0);
  EXPECT_EQ(stateOf(process.child.pid()).tracer, 0);
}

TEST(StopSignals, ASignalWhileHeldIsDeliveredAfterwards) {
  Counting process;
  ASSERT_TRUE(process.ready);
  Process opened = test::opened(process.child.pid());
  Tracees tracees = traceesOf(opened);
  ASSERT_STOPS(tracees);
  ASSERT_TRUE(process.send(0));
  tracees.resume();
  EXPECT_TRUE(eventually([&] { return process.counts().count == 1; }));
  EXPECT_EQ(process.counts().wrong, 0);
}

TEST(StopSignals, AFatalSignalWhileHeldEndsItAfterwards) {
  Counting process;
  ASSERT_TRUE(process.ready);
  Process opened = test::opened(process.child.pid());
  Tracees tracees = traceesOf(opened);
  ASSERT_STOPS(tracees);
  process.child.signal(SIGTERM);
  EXPECT_TRUE(opened.sameMemory()); // it is not dead yet
  tracees.resume();
  EXPECT_EQ(process.child.wait(), 128 + SIGTERM);
}

TEST(StopSignals, AStoppedProcessStaysStopped) {
  Counting process;
  ASSERT_TRUE(process.ready);
  process.child.signal(SIGSTOP);
  ASSERT_TRUE(isStopped(process.child.pid()));
  Process opened = test::opened(process.child.pid());
  Tracees tracees = traceesOf(opened);
  for (int round = 0; round < 20; round++) {
    ASSERT_STOPS(tracees);
    EXPECT_EQ(tracees.threads().size(), 3U);
    tracees.resume();
    ASSERT_TRUE(isStopped(process.child.pid()));
  }
  EXPECT_EQ(stateOf(process.child.pid()).tracer, 0);
  // It still is, with all its threads, when lpc has nothing to do with it any more; and it can be continued.
  tracees.detach();
  auto ids = threadIds(process.child.pid());
  ASSERT_TRUE(ids);
  for (pid_t tid : *ids)
    EXPECT_TRUE(eventually([&] { return threadState(opened.pid(), tid) == 'T'; }));
  process.child.signal(SIGCONT);
  EXPECT_TRUE(isNotStopped(process.child.pid()));
  EXPECT_EQ(process.counts().count, 0);
}

TEST(StopSignals, ItsParentSeesTheStopOnceAndNoOther) {
  Counting process;
  ASSERT_TRUE(process.ready);
  process.child.signal(SIGSTOP);
  siginfo_t info{};
  auto stopSeen = [&] { // takes the news of a group stop, as a shell does
    info.si_pid = 0;
    return waitid(P_PID, static_cast<id_t>(process.child.pid()), &info, WSTOPPED | WNOHANG) == 0 && info.si_pid != 0;
  };
  ASSERT_TRUE(eventually(stopSeen));
  process.child.signal(SIGCONT);
  ASSERT_TRUE(isNotStopped(process.child.pid()));
  Process opened = test::opened(process.child.pid());
  Tracees tracees = traceesOf(opened);
  for (int round = 0; round < 20; round++) {
    ASSERT_STOPS(tracees);
    tracees.resume();
    EXPECT_FALSE(stopSeen()); // ours are none of its parent's business
  }
}

TEST(StopSignals, ContinuedWhileHeld) {
  Counting process;
  ASSERT_TRUE(process.ready);
  process.child.signal(SIGSTOP);
  ASSERT_TRUE(isStopped(process.child.pid()));
  Process opened = test::opened(process.child.pid());
  Tracees tracees = traceesOf(opened);
  ASSERT_STOPS(tracees);
  process.child.signal(SIGCONT);
  EXPECT_EQ(threadState(opened.pid(), opened.pid()), 't'); // held is held
  tracees.resume();
  EXPECT_TRUE(isNotStopped(process.child.pid()));
  EXPECT_EQ(process.counts().count, 0);
}

TEST(StopSignals, StoppedWhileHeld) {
  Counting process;
  ASSERT_TRUE(process.ready);
  Process opened = test::opened(process.child.pid());
  Tracees tracees = traceesOf(opened);
  ASSERT_STOPS(tracees);
  process.child.signal(SIGSTOP);
  tracees.resume();
  EXPECT_TRUE(isStopped(process.child.pid()));
  process.child.signal(SIGCONT);
  EXPECT_TRUE(isNotStopped(process.child.pid()));
  EXPECT_EQ(process.counts().count, 0);
}

TEST(StopSignals, StoppedAndContinuedAllTheTime) {
  Counting process;
  ASSERT_TRUE(process.ready);
  Process opened = test::opened(process.child.pid());
  Tracees tracees = traceesOf(opened);
  for (int round = 0; round < 200; round++) {
    process.child.signal(round % 2 ? SIGCONT : SIGSTOP);
    ASSERT_STOPS(tracees);
    if (round % 3 == 0) process.child.signal(SIGCONT), process.child.signal(SIGSTOP);
    tracees.resume();
  }
  process.child.signal(SIGSTOP);
  EXPECT_TRUE(isStopped(process.child.pid()));
  process.child.signal(SIGCONT);
  EXPECT_TRUE(isNotStopped(process.child.pid()));
  EXPECT_EQ(process.counts().count, 0);
  EXPECT_EQ(stateOf(opened.pid()).tracer, 0);
}

} // namespace
} // namespace lpc::runtime
