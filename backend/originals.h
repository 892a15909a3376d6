// The old code of hooked functions: moved to new memory near it, so that it can still be called.
#pragma once

#include <string>
#include <vector>

#include "backend/arch/arch.h"
#include "backend/plan.h"
#include "ir/machine/moved_code.h"

namespace lpc::backend {

struct HookedCode {
  RemoteAddress site;                           // where it stands
  MovedCode code;                               // what it becomes
  std::string function;                         // for messages
  size_t pointer = 0;                           // the change that tells the program where it is: index in Plan::changes
  std::optional<PlannedFunction> replacement{}; // of the program, which uses the pointer: it must not be active when
                                                // that goes back to what it was
};

// Adds to the plan one memory for each module that is hooked, within reach of all that its moved code refers to.
// Returns where each of `hooked` goes, in order. `maps` as findArena's. NoSpaceInReach, RelocationOverflow.
Result<std::vector<RemoteAddress>> placeOriginals(const std::vector<HookedCode> &hooked, const Snapshot &snapshot,
                                                  const Arch &arch, unsigned attempt,
                                                  std::vector<runtime::Mapping> &maps, Plan &plan);

} // namespace lpc::backend
