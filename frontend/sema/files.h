// Files that a patch brings along (`load`, `dl`).
#pragma once

#include "frontend/sema/sema.h"
#include "ir/support/result.h"

namespace lpc::sema {

// The path of a FILE of the patch.
std::string inFolder(const Options &options, const std::string &file);

// The whole of a regular file. CannotOpen; FileTooLarge beyond ir::kMaxMemorySize (1 GiB). `shown` is how messages call
// it.
Result<Bytes> readWhole(const std::string &path, const std::string &shown);

} // namespace lpc::sema
