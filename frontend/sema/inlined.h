// Proof 5: copies of a replaced function that the compiler put into others, where a change of the function does not
// reach them.
#pragma once

#include "frontend/sema/clones.h"

namespace lpc::sema {

// InlinedFunction for each function that was inlined into functions that the patch does not replace. Needs DWARF.
void checkInlined(const std::vector<Replaced> &replaced, Context &context);

} // namespace lpc::sema
