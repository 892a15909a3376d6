// Making a worker in a process whose C library allocates.
#pragma once

#include "runtime/remote_thread.h"
#include "runtime/traced_thread.h"
#include "runtime/worker_order.h"

namespace lpc::runtime::worker {

// Whether a thread block can be made that the C library takes for one.
bool fitsCaller(const ThreadLibrary &library);

// `thread` is the worker, attached, at its first instruction; on an error, too, where it was made. The caller ends.
// NoThreads (pthread_create refused, or did not return in time), RemoteCallFailed, ProcessGone.
Result<void> makeByCaller(const Order &order, RemoteThread &caller, TracedThread &thread, Deadline deadline);

} // namespace lpc::runtime::worker
