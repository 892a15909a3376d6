// A tracer's waitid takes stops of its tracees, too, whether it asks for them or not (kernel/exit.c, wait_task_stopped:
// the options do not count under ptrace). A stop that is taken is never reported again, and the signal in front of
// which the thread stands is lost with us. So the first look takes nothing (WNOWAIT), and only an end, which nothing
// can follow, is taken.
#include "runtime/reap.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/proc_text.h"

namespace lpc::runtime {
namespace {

bool isChildOfOurs(pid_t tid) {
  if (syscall(SYS_tgkill, tid, tid, 0) != 0) return false; // a thread, not a process
  auto text = readText("/proc/" + std::to_string(tid) + "/stat");
  auto stat = text ? parseStat(*text) : std::nullopt;
  return stat && stat->parent == getpid();
}

} // namespace

void reapIfEnded(pid_t tid) {
  constexpr int kEnds = WEXITED | WNOHANG | __WALL;
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(tid), &info, kEnds | WNOWAIT) != 0 || info.si_pid == 0) return;
  if (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
    waitid(P_PID, static_cast<id_t>(tid), &info, kEnds);
}

void reapUnlessChild(pid_t tid) {
  if (!isChildOfOurs(tid)) reapIfEnded(tid);
}

} // namespace lpc::runtime
