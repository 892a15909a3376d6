// The wait inside PTRACE_SEIZE is left by a signal handler that returns (then the kernel goes on waiting) or jumps.
// Between the jump's two ends nothing has a destructor.
#include "runtime/seize.h"

#include <setjmp.h>
#include <sys/ptrace.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "runtime/reap.h"
#include "runtime/stragglers.h"

namespace lpc::runtime {
namespace {

// All of this belongs to the one thread that traces, and to the signal handler that interrupts it.
std::atomic<bool> seizing;
Deadline seizeLimit;
sigjmp_buf wayOut;
std::atomic<const std::vector<Tracee> *> attendedRows;
std::array<std::atomic<pid_t>, 16> attendedThreads;

} // namespace

bool seizeThread(pid_t tid, Deadline limit) {
  seizeLimit = limit;
  if (sigsetjmp(wayOut, 0) != 0) {
    errno = ETIMEDOUT;
    return false;
  }
  seizing = true;
  bool done = ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) == 0;
  int why = errno;
  seizing = false;
  errno = why;
  return done;
}

void tickWhileSeizing() {
  if (!seizing) return;
  if (const std::vector<Tracee> *rows = attendedRows)
    for (const Tracee &tracee : *rows)
      if (tracee.state != TraceeState::Loose) tracee.reapIfEnded();
  for (const auto &thread : attendedThreads)
    if (pid_t tid = thread) reapIfEnded(tid);
  stragglers::reapEnded();
  if (Clock::now() < seizeLimit) return;
  seizing = false;
  Ticker::again();
  siglongjmp(wayOut, 1);
}

void attendTo(const std::vector<Tracee> *rows) { attendedRows = rows; }

void attendTo(pid_t tid) {
  for (auto &thread : attendedThreads)
    if (thread == 0) {
      thread = tid;
      return;
    }
}

void attendNoMore(pid_t tid) {
  for (auto &thread : attendedThreads)
    if (thread == tid) thread = 0;
}

} // namespace lpc::runtime
