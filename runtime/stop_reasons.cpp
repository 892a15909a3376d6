// Looks at /proc after the fact: the thread may have gone on meanwhile, and then the answer is the general one.
#include "runtime/stop_reasons.h"

#include "ir/support/cat.h"
#include "runtime/proc_text.h"
#include "runtime/thread_wait.h"

namespace lpc::runtime {

std::string threadNamed(pid_t pid, pid_t tid) {
  std::string name = threadName(pid, tid);
  return cat("thread ", tid, name.empty() ? "" : cat(" (`", name, "`)"), " of process ", pid);
}

Error whyNotSeized(const Process &process, pid_t tid) {
  std::string thread = threadNamed(process.pid(), tid);
  auto status = readText(cat("/proc/", tid, "/status"));
  auto tracer = static_cast<pid_t>(status ? statusNumber(*status, "TracerPid").value_or(0) : 0);
  if (tracer == 0)
    return {.id = DiagnosticId::NotPermitted,
            .message = thread + " cannot be traced: a security module or a seccomp filter forbids it"};
  return {.id = DiagnosticId::AlreadyTraced,
          .message = cat(thread, " is traced by process ", tracer, " (`", threadName(tracer, tracer), "`)"),
          .help = cat("end process ", tracer, ", or let it detach")};
}

Error sharedMemory(pid_t pid, pid_t other) {
  return {.id = DiagnosticId::SharedMemory,
          .message = cat("process ", other, " (`", threadName(other, other), "`) shares the memory of process ", pid,
                         " without being a thread of it (clone with CLONE_VM): it executes the same code, and would "
                         "not be stopped"),
          .help = cat("end process ", other, ", or wait until it executes a program")};
}

Error whyNotStopped(const Process &process, pid_t tid) {
  std::string thread = threadNamed(process.pid(), tid);
  if (waitsForVfork(process, tid))
    return {.id = DiagnosticId::PendingVfork,
            .message = thread + " waits for the child of a vfork, which shares its memory"};
  if (threadState(process.pid(), tid) != 'D')
    return {.id = DiagnosticId::CannotStop, .message = thread + " did not stop in time"};
  std::string where = kernelFunction(process.pid(), tid);
  return {.id = DiagnosticId::CannotStop,
          .message = cat(thread, " sleeps uninterruptibly in the kernel",
                         where.empty() ? "" : cat(" (in `", where, "`)"), " and did not stop in time")};
}

} // namespace lpc::runtime
