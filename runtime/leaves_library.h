// Waiting for the only thread of a process to be out of its C library.
#pragma once

#include <vector>

#include "runtime/maps.h"
#include "runtime/process.h"

namespace lpc::runtime {

// True: there are several `threads`, or the only one is not in the middle of the C library, which may be linked into
// the program. False at the deadline. Stops the thread for a look, if it does not sleep.
bool leavesLibrary(const Process &process, const std::vector<pid_t> &threads, const std::vector<Mapping> &maps,
                   bool libraryInProgram, Deadline deadline);

} // namespace lpc::runtime
