// flock(2) on /proc/PID/mem. While anybody has it open, everybody who opens it gets the same inode, so the lock needs
// no file of its own, belongs to exactly this process, and is gone with whoever held it. `mem`, because only those who
// may trace the process may open it: nobody else can keep lpc out.
//
// Not seen: an lpc that looks at the process through another mount of /proc (from inside a container).
// Rejected: a lock in the process's memory (outlives us), a file in /run (needs a place that all may write to).
#include "runtime/process_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <cerrno>

#include "ir/support/cat.h"

namespace lpc::runtime {

Result<ProcessLock> ProcessLock::take(const Process &process, Deadline deadline) {
  FileDescriptor file(open(process.proc("mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() && errno == EACCES)
    return failErrno(DiagnosticId::NotPermitted, cat("open the memory of process ", process.pid()), errno);
  if (!file.valid()) return fail(DiagnosticId::ProcessGone, cat("process ", process.pid(), " has ended"));
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return failErrno(DiagnosticId::NotPermitted, cat("lock process ", process.pid(), " against another lpc"), errno);
    if (process.ended()) return fail(DiagnosticId::ProcessGone, cat("process ", process.pid(), " has ended"));
    if (Clock::now() >= deadline)
      return fail(DiagnosticId::AlreadyTraced, cat("another lpc is at work on process ", process.pid()),
                  "wait for it to end, or give a longer --timeout");
    pollfd ended{process.pidfd(), POLLIN, 0};
    poll(&ended, 1, 1);
  }
  return ProcessLock(std::move(file));
}

} // namespace lpc::runtime
