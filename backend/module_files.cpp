// A module without a way to its file is not tried: it has no path of its own here.
#include "backend/module_files.h"

namespace lpc::backend {

const target::ElfFile *ModuleFiles::of(const runtime::Module &module) {
  if (module.openPath.empty()) return nullptr;
  auto [entry, fresh] = opened_.try_emplace(module.openPath);
  if (fresh) entry->second = target::ElfFile::open(module.openPath, module.path).value_or(nullptr);
  return entry->second.get();
}

} // namespace lpc::backend
