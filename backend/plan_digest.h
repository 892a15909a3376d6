// The identity of a plan: what `lpc plan` prints and `apply --expect-plan` compares.
#pragma once

#include "backend/plan.h"

namespace lpc::backend {

// SHA-256 over everything that playing the plan would do: the patch, each address, the contents of new memory, each
// byte that is written, and what must stand there before. Not over values that the program changes by itself: planning
// twice gives the same digest as long as the process has mapped nothing in between.
Bytes digestOf(const Plan &plan);

} // namespace lpc::backend
