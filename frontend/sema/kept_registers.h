// Proof 5: callers that keep values in registers which the calling convention lets the function change, because the
// function, as the compiler saw it, does not.
#pragma once

#include "frontend/sema/clones.h"

namespace lpc::sema {

// KeptRegister for each replaced function with callers that its replacement, as far as it is known, may break.
void checkKeptRegisters(const std::vector<Replaced> &replaced, Context &context);

} // namespace lpc::sema
