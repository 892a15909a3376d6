// Detours: jumps in new memory near a site, for destinations that are out of its reach.
#pragma once

#include <optional>
#include <vector>

#include "backend/arch/arch.h"
#include "backend/plan.h"

namespace lpc::backend {

struct FarJump {
  size_t change = 0;             // index in Plan::changes
  RemoteAddress from, to;        // the site, or the displacement's bytes; the destination
  std::optional<size_t> field{}; // of a branch in assembled code: its displacement, in the change's bytes
};

// Adds to the plan one memory for each module that is jumped from, and makes the changes lead there. `maps` as
// findArena's. NoSpaceInReach.
Result<void> placeDetours(std::vector<FarJump> jumps, const Snapshot &snapshot, const Arch &arch, unsigned attempt,
                          std::vector<runtime::Mapping> &maps, Plan &plan);

} // namespace lpc::backend
