// Borrowing a thread of the process for one clone, or for as long as a stand-in takes.
//
// The thread that is borrowed sleeps in a system call, if there is one that does; it runs a stub of ours, which clones,
// and is back in its call before anybody misses it. What comes out is a thread of ours in the process, which stands and
// is attached. If lpc dies meanwhile, the stub leads the borrowed thread home and ends the new one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/padding.h"
#include "runtime/stop.h"
#include "runtime/traced_thread.h"

namespace lpc::runtime {

struct CodeToWrite {
  RemoteAddress at;
  BytesView bytes;
};

// The new thread stands at `program` + `leave`, all its signals blocked, owning nothing (x86_64_stub.h); it shares the
// borrowed thread's thread pointer, so it may do system calls only. `code` is written while a thread stands, for
// kernels that let nobody but the tracer write to code; the stub goes into `padding` outside of `taken` and is erased
// again. NoAgent with a note for each thread tried, PendingVfork, NotPermitted, ProcessGone.
Result<TracedThread> borrowForClone(const Process &process, const std::vector<RemoteRange> &padding, RemoteRange taken,
                                    const std::optional<CodeToWrite> &code, RemoteAddress leave, Deadline deadline);

// A thread of ours in the place of one of the program's, which waits in the kernel until the other has ended, whatever
// becomes of lpc (CLONE_VFORK). So the stand-in may run code of the process with that one's thread pointer, on a stack
// of its own; registers, vector registers too, and the signal mask of the borrowed one are out of its reach.
struct StandIn {
  std::vector<pid_t> ours; // threads that are not the program's
  // What is against it; nothing: nothing. First of a thread that sleeps (its registers are `positionOnly`: what is
  // unknown for that is not against it), then when it stands.
  std::function<std::optional<std::string>(const StoppedThread &)> unfit;
  // What it does, and to its end. An error: it has not ended. It is let go then, and the borrowed one goes home by
  // itself when it has.
  std::function<Result<void>(TracedThread standIn, const TracedThread &borrowed)> work;
};

// A thread that sleeps in a system call, and no other, is borrowed; each is asked again and again until the deadline.
// NoThreads, with a note for each: nothing was done. Else as above, and what `work` says.
Result<void> borrowForStandIn(const Process &process, const std::vector<RemoteRange> &padding, RemoteRange taken,
                              RemoteAddress leave, const StandIn &standIn, Deadline deadline);

// The call in which a sleeping thread waits is safe to interrupt and restart; lower ranks are disturbed less.
enum class VictimRank : uint8_t {
  Asleep,        // in a call that the kernel restarts with the time that is left
  AsleepTimed,   // in a call that reports EINTR after a stop and so begins anew
  Stopped,       // with the whole process, by SIGSTOP
  Running,       // stops for the moment of the clone
  AsleepUnknown, // in another call: it might return early, with less than was asked for
  Unfit,
};
// From the text of /proc/PID/task/TID/syscall and the state letter.
VictimRank rankOf(char state, std::string_view syscallText);

} // namespace lpc::runtime
