// Jumps of the patch that lead to each other for ever.
#pragma once

#include "frontend/sema/addresses.h"

namespace lpc::sema {

struct Jump {
  Region fromRegion;
  uint64_t given = 0, site = 0; // the address in the patch, and where the jump is written: as Spot::offset
  Region toRegion;
  uint64_t to = 0;
  Place place{}; // of the address that it is written over
  std::string written{};
};

// JumpToItself, once for each circle.
void checkCycles(const std::vector<Jump> &jumps, Context &context);

} // namespace lpc::sema
