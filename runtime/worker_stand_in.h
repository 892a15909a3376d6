// Making a worker in a process whose memory another library allocates than its C library.
#pragma once

#include "runtime/traced_thread.h"
#include "runtime/worker_order.h"

namespace lpc::runtime::worker {

// The worker, attached, at its first instruction. NoThreads: no thread of the program can be stood in for, with a note
// for each, or pthread_create refused, or it did not return in time; ProcessGone, NotPermitted.
Result<TracedThread> makeByStandIn(const Order &order, Deadline deadline);

} // namespace lpc::runtime::worker
