// `lpc status --symbols FOLDER`: files for debuggers and profilers.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "ir/support/result.h"

namespace lpc::driver {

struct SymbolsFolder {
  std::vector<std::string> files; // written, as paths below the folder as it was given
  bool forProfilers = false;      // one of them is for perf
  bool incomplete = false;        // not all code is in that one
};

// The folder is made where there is none; what it has of an earlier time under the same names is replaced. CannotOpen,
// and what reading the process gives.
Result<SymbolsFolder> writeSymbols(pid_t pid, const std::string &folder);

} // namespace lpc::driver
