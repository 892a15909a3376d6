// What a plan leaves open: it is made while the process runs, and settled when it stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backend/plan.h"

namespace lpc::backend {

struct Unknown {
  std::string_view
      about;           // "threads", "bytes", "old-value", "pointer", "condition", "opening", "call", "place", "pause"
  std::string message; // one line, as a diagnostic's
  uint32_t line = 0;   // of the patch; 0: of none in particular
};

// In the order in which it is settled: while memory is made, before the stop, in it.
std::vector<Unknown> unknownsOf(const Plan &plan);

} // namespace lpc::backend
