// Only glibc's: with other C libraries there is no worker that could call it (thread_library.h). `__libc_dlopen_mode`,
// which every glibc has had, is not for others: it takes no lock in some versions and is gone since 2.34.
#include "backend/dynamic_linker.h"

#include <algorithm>
#include <array>

#include "backend/module_files.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

std::unexpected<Error> none(const runtime::Process &process, std::string_view why) {
  return fail(DiagnosticId::NoDynamicLinker,
              cat("process ", process.pid(), " cannot be asked to load an object: ", why),
              "`dl` links an object into the process without its help");
}

} // namespace

Result<DynamicLinker> findDynamicLinker(const runtime::Process &process, const Snapshot &snapshot) {
  bool isGnu = false;
  for (const char *soname : {"libc.so.6", "libdl.so.2"}) {
    auto module = std::ranges::find(snapshot.modules, soname, &runtime::Module::soname);
    if (module == snapshot.modules.end()) continue;
    isGnu = true;
    const target::ElfFile *file = snapshot.files->of(*module);
    if (!file) continue;
    auto found = file->find({"dlopen", "dlclose", "dlerror"}, target::Spelling::Exported);
    std::array<std::optional<RemoteAddress>, 3> at;
    for (size_t i = 0; i < at.size(); i++)
      for (const target::Symbol &symbol : found[i])
        if (symbol.exported && (symbol.defaultVersion || !at[i])) at[i] = module->bias.of(symbol.address);
    if (at[0] && at[1] && at[2]) return DynamicLinker{*at[0], *at[1], *at[2]};
  }
  return none(process, isGnu ? "it has not loaded the library with `dlopen` (libdl.so.2)"
                             : "it has no C library of GNU that is linked dynamically");
}

} // namespace lpc::backend
