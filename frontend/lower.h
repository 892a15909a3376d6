// Program to IR. Separate from sema so that the IR never holds what was not proved.
#pragma once

#include "frontend/sema/sema.h"
#include "ir/patch.h"

namespace lpc {

ir::Patch lower(sema::Program program);

} // namespace lpc
