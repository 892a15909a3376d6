// Threads that we are attached to and could not let go of: PTRACE_DETACH needs a stopped thread, and some do not stop
// in time (in uninterruptible sleep, waiting for a vfork child, being killed). When such a thread stops at last, it
// must be sent on at once, or it would stand until lpc ends (then the kernel lets it go).
//
// The list belongs to the thread of ours that traces, as the attachments do. Every operation on tracees attends to it.
#pragma once

#include <optional>

#include "runtime/process.h"
#include "runtime/tracee.h"

namespace lpc::runtime::stragglers {

// Room for `count` more, so that add() allocates nothing.
void reserve(size_t count);
void add(const Tracee &tracee);
// Takes the thread out of the list, when it is in it: another stop goes on waiting for it.
std::optional<Tracee> take(pid_t tid);
// Lets go of all that have stopped or ended; with a limit, waits so long for the others. Never allocates.
void attend(Deadline limit = {});
// The remains of those that were killed. Can be called from a signal handler.
void reapEnded();

} // namespace lpc::runtime::stragglers
