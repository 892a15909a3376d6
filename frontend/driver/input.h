// Reading the files that a command is given.
#pragma once

#include <string>

#include "frontend/pipeline.h"

namespace lpc::driver {

// `path` as the user wrote it; "-" is standard input. CannotOpen, FileTooLarge.
Result<PatchText> readPatch(const std::string &path);

// The whole of a file, up to 1 GiB. CannotOpen, FileTooLarge.
Result<std::string> readText(const std::string &path);

} // namespace lpc::driver
