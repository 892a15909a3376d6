// Taking away what is left of traced threads that have ended: the tracer's duty.
#pragma once

#include <sys/types.h>

namespace lpc::runtime {

// Takes the remains of a traced thread away where it has ended, and does nothing otherwise. May be called from a signal
// handler. Not for the first thread of a child of our own.
void reapIfEnded(pid_t tid);

// The same, but leaves the end of a process that is our own child to the code of ours that started it: news for that.
void reapUnlessChild(pid_t tid);

} // namespace lpc::runtime
