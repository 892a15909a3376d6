// A patch or a bundle in a few lines: `lpc dump --emit text`.
#pragma once

#include <string>
#include <vector>

#include "ir/patch.h"

namespace lpc::driver {

// At least one build; `digest` is a bundle's, empty for a patch that is none.
std::string overview(const std::vector<const ir::Patch *> &builds, const Bytes &digest);

} // namespace lpc::driver
