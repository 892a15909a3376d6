// The remains of a traced thread are taken away, and nothing else is: not its stops.
#include "runtime/reap.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lpc::runtime {
namespace {

// A child that stands in front of a SIGUSR1 of its own.
pid_t standingBeforeASignal() {
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGUSR1);
    _exit(7);
  }
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WSTOPPED | WEXITED | WNOWAIT | __WALL);
  EXPECT_EQ(info.si_code, CLD_TRAPPED);
  return child;
}

TEST(Reap, AStopStaysToBeSeen) {
  pid_t child = standingBeforeASignal();
  reapIfEnded(child);
  siginfo_t info{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL), 0);
  EXPECT_EQ(info.si_pid, child) << "the stop was taken away";
  EXPECT_EQ(info.si_status, SIGUSR1);
  kill(child, SIGKILL);
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED);
}

TEST(Reap, TakesRemainsAway) {
  pid_t child = standingBeforeASignal();
  ptrace(PTRACE_CONT, child, nullptr, nullptr);
  siginfo_t info{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_status, 7);
  reapUnlessChild(child);
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT), 0) << "its parent is told";
  reapIfEnded(child);
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT), -1);
}

} // namespace
} // namespace lpc::runtime
