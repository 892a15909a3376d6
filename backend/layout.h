// Where the new memory of a patch goes: one arena within reach of the jumps that lead to it.
#pragma once

#include <vector>

#include "backend/plan.h"

namespace lpc::backend {

struct Room { // wanted: one memory
  uint64_t size = 0;
  uint64_t alignment = 0; // power of two, at least a page
};

struct Arena {
  PlannedMapping mapping;
  std::vector<RemoteAddress> addresses; // of each room, in order
};

// Finds free space for all rooms side by side such that every byte of `near` reaches every byte of it. `maps` are the
// mappings of the process; the arena found is added to them, so that the next one keeps clear. `attempt` picks the n-th
// best place: a place can be taken by the program between planning and mapping. NoSpaceInReach.
Result<Arena> findArena(std::vector<runtime::Mapping> &maps, RemoteRange near, uint64_t reach,
                        const std::vector<Room> &rooms, unsigned attempt);

} // namespace lpc::backend
