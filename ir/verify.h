// The structural rules of ir::Patch: checked after lowering, after reading, and before planning.
#pragma once

#include <string>
#include <vector>

#include "ir/patch.h"

namespace lpc::ir {

// One sentence for each broken rule, naming table and index; empty when the patch is well formed.
std::vector<std::string> verify(const Patch &patch);

} // namespace lpc::ir
