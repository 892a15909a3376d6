// The files of a process's modules, each opened once for all that is looked for in them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "frontend/target/elf_file.h"
#include "runtime/modules.h"

namespace lpc::backend {

// Belongs to one look at a process: what `openPath` opens is the module's file as long as its mappings stay.
class ModuleFiles {
public:
  // Null where it can't be opened, or is no ELF file. Lives as long as this object.
  const target::ElfFile *of(const runtime::Module &module);

private:
  std::map<std::string, std::shared_ptr<const target::ElfFile>> opened_; // by openPath
};

} // namespace lpc::backend
