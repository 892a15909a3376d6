// Who waits for the child of a vfork, and who only looks like it.
#include <linux/sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/thread_wait.h"
#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;

clone_args arguments{};

// A process that has not run yet: in its registers stands the clone3 that made it, whose arguments may be anything by
// now.
TEST(Vfork, ANewbornIsNotTakenForOneThatWaits) {
  pid_t parent = fork();
  if (parent == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    arguments.exit_signal = SIGCHLD;
    syscall(SYS_clone3, &arguments, sizeof arguments);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  ASSERT_EQ(ptrace(PTRACE_SETOPTIONS, parent, nullptr, PTRACE_O_TRACEFORK), 0);
  ASSERT_EQ(ptrace(PTRACE_CONT, parent, nullptr, nullptr), 0);
  ASSERT_EQ(waitpid(parent, &status, 0), parent);
  ASSERT_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_FORK << 8);
  unsigned long newborn = 0;
  ASSERT_EQ(ptrace(PTRACE_GETEVENTMSG, parent, nullptr, &newborn), 0);
  auto child = static_cast<pid_t>(newborn);
  ASSERT_EQ(waitpid(child, &status, __WALL), child);

  ASSERT_EQ(ptrace(PTRACE_POKEDATA, child, &arguments.flags, static_cast<uint64_t>(CLONE_VFORK)), 0);
  {
    Process process = opened(child);
    EXPECT_EQ(blockedCall(child, child).number, SYS_clone3);
    EXPECT_FALSE(waitsForVfork(process, child));
  }
  for (pid_t pid : {child, parent}) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, __WALL);
  }
}

TEST(Vfork, WhoWaits) {
  Child child({target("vfork")});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  EXPECT_TRUE(eventually([&] { return waitsForVfork(process, child.pid()); }));
}

} // namespace
} // namespace lpc::runtime
