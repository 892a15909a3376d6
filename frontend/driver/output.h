// Files that lpc writes.
#pragma once

#include <string>

#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::driver {

// Written beside the old file, whose name and permissions it then takes: no moment has half a file. Into pipes and
// devices it is written as it stands. CannotOpen.
Result<void> writeFile(const std::string &path, BytesView contents);

} // namespace lpc::driver
