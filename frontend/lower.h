// Program to IR. Separate from sema so that the IR never holds what was not proved.
#pragma once

#include "frontend/sema/sema.h"
#include "ir/patch.h"

namespace lpc {

// `program` comes from a check() that reported no error; the result obeys ir::verify.
ir::Patch lower(sema::Program program);

} // namespace lpc
