// Proof 4 for values: what `set` writes over instructions.
#pragma once

#include "frontend/sema/fits.h"

namespace lpc::sema {

// ValueOverCode: a warning, for scripts of 2004 change code with `set`. Not where only the operand of one instruction
// changes, which no other statement does as plainly. `value`: null for an address that is known later.
void checkOverCode(const Spot &at, const Extent &extent, const Bytes *value, Context &context);

} // namespace lpc::sema
