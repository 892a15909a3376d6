// The stacks of Go's goroutines, which are pieces of Go's heap: no mapping shows where one ends.
#pragma once

#include <optional>

#include "runtime/maps.h"
#include "runtime/process.h"
#include "runtime/registers.h"

namespace lpc::runtime {

// The stack that the thread is on, where `mapping` (the one that its stack pointer is in) belongs to Go's heap and Go's
// own record of the running goroutine has its stack pointer inside. Else nothing. Reads twice, allocates nothing.
std::optional<RemoteRange> goStackOf(const Process &process, const Mapping &mapping, const Registers &registers);

} // namespace lpc::runtime
