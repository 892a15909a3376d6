// What is to be made: a worker (worker.h), for the files that know a way to have it made.
#pragma once

#include <vector>

#include "runtime/agent.h"
#include "runtime/maps.h"
#include "runtime/worker.h"

namespace lpc::runtime::worker {

// The worker's memory is mapped, its attributes are written, and its program stands at `program`.
struct Order {
  const Process &process;
  Agent &agent;
  const std::vector<Mapping> &maps;
  const ThreadLibrary &library;
  RemoteAddress memory, program;
  bool *keep; // set when somebody may still be in that memory, and taken back
};

} // namespace lpc::runtime::worker
