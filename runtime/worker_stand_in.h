// Making a worker in a process whose memory another library allocates than its C library.
#pragma once

#include <vector>

#include "runtime/agent.h"
#include "runtime/maps.h"
#include "runtime/traced_thread.h"
#include "runtime/worker.h"

namespace lpc::runtime::worker {

// The worker's memory is mapped, its attributes are written, and its program stands at `program`.
struct Order {
  const Process &process;
  Agent &agent;
  const std::vector<Mapping> &maps;
  const ThreadLibrary &library;
  const CodeOwners &owners; // the library's
  RemoteAddress memory, program;
  bool *keep; // set when somebody may still be in that memory, and taken back
};

// The worker, attached, at its first instruction. NoThreads: no thread of the program can be stood in for, with a note
// for each, or pthread_create refused, or it did not return in time; ProcessGone, NotPermitted.
Result<TracedThread> makeByStandIn(const Order &order, Deadline deadline);

} // namespace lpc::runtime::worker
