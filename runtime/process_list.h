// All processes that there are.
#pragma once

#include <sys/types.h>

#include <vector>

namespace lpc::runtime {

// Process ids of /proc (our PID namespace), ascending. Any of them may be gone by the time it is looked at.
std::vector<pid_t> processIds();

} // namespace lpc::runtime
