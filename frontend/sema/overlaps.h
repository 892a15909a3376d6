// Proof 3: two changes never overlap.
#pragma once

#include "frontend/sema/addresses.h"

namespace lpc::sema {

// Bytes that a statement changes.
struct Change {
  Region region;
  uint64_t begin = 0, size = 0; // begin as Spot::offset
  Place place{};                // of the address in the statement
  std::string written{};        // for messages
};

// Where a jump of the patch goes.
struct Destination {
  Region region;
  uint64_t offset = 0;
  Place place{};
  std::string written{};
};

// OverlappingChanges, once for each statement that changes what an earlier one changes.
void checkOverlaps(std::vector<Change> changes, Context &context);

// BranchIntoSite: a jump of the patch that leads behind the first of the bytes that another jump overwrites.
void checkDestinations(std::vector<Change> jumps, const std::vector<Destination> &destinations, Context &context);

} // namespace lpc::sema
