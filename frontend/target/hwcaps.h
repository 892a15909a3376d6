// The variants of libraries for newer processors: folders glibc-hwcaps/NAME below every library folder (ld.so(8)).
// Internal to frontend/target.
#pragma once

#include <string_view>
#include <vector>

#include "ir/machine/machine.h"

namespace lpc::target {

// The names that this computer's processor can use for programs of `machine`, best first: "x86-64-v3", "x86-64-v2".
// Processes run on the same processor, also those in containers.
std::vector<std::string_view> usableHwcaps(Machine machine);

} // namespace lpc::target
