// PTRACE_SEIZE with an end.
//
// The kernel makes it wait for an execve that is under way in the process (cred_guard_mutex), and that waits until the
// remains of all other threads have been taken away: our duty, for those that we trace. So whoever seizes while it
// holds tracees attends to them at the same time, in the ticks of a timer.
#pragma once

#include <sys/types.h>

#include <vector>

#include "runtime/process.h"
#include "runtime/tracee.h"

namespace lpc::runtime {

// False with `errno`: what ptrace(2) says, or ETIMEDOUT, when the thread may be ours or not. To be called while a
// Ticker of this thread runs that was made with tickWhileSeizing.
bool seizeThread(pid_t tid, Deadline limit);
void tickWhileSeizing();

// Those that are attended to, besides the stragglers: the rows of a stop (null: none), which must not move ...
void attendTo(const std::vector<Tracee> *rows);
// ... and single threads. At most 16, which is more than lpc ever holds; further ones are not attended to.
void attendTo(pid_t tid);
void attendNoMore(pid_t tid);

} // namespace lpc::runtime
