// What debuggers and profilers need to name the code of the patches on a process: made from the process alone, so that
// whoever comes later needs no payload.
#pragma once

#include "backend/registry.h"

namespace lpc::backend {

struct SymbolFiles {
  struct File {
    std::string name; // "1-fix-p.elf": the patch's number on the process, its name, the payload's
    Bytes bytes;
  };
  std::vector<File> ofPayloads; // for debuggers: the names of one payload's functions, and its unwinding tables
  // For profilers, which know code by its place in the file that it is mapped from, and all patches by one name:
  // kMappedName. Empty where there is no code.
  Bytes ofAll;
  // Some code is not in `ofAll`: other code of an earlier lpc is at that place of its file, or it is very far behind.
  bool incomplete = false;
};
// What perf looks for below --symfs.
constexpr const char *kMappedName = "memfd:livepatch (deleted)";

// Of patches that are applied. ProcessGone and other failures to read.
Result<SymbolFiles> symbolFiles(const runtime::Process &process, const std::vector<runtime::Mapping> &maps,
                                const std::vector<FoundRecord> &patches);

} // namespace lpc::backend
