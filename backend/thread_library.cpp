// glibc is known by its soname and by what it exports for debuggers: `_thread_db_pthread_tid` says where in a thread's
// descriptor its id stands (nptl_db/structs.def), so nothing has to be guessed from its version. Since 2.34
// pthread_create is in libc.so.6, before that in libpthread.so.0, which need not be loaded. A static program has both
// in its own symbol table, if it makes threads itself and is not stripped. Before its own code has set up its library
// (`lpc run`), it has none: that shows in the stack size that new threads get (__pthread_initialize_minimal).
//
// pthread_create is called by a thread that is none to the C library, and allocates. glibc's allocator bears that, and
// what it puts into its thread-local variables is handed over to the new thread. Others (jemalloc in Debian's Redis)
// take the zeros there for a state of theirs, and keep pointers to it: such a process was ended by it.
#include "backend/thread_library.h"

#include <algorithm>

#include "backend/module_files.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

std::unexpected<Error> noThreads(const runtime::Process &process, std::string_view why) {
  return fail(DiagnosticId::NoThreads, cat("no function can be called in process ", process.pid(), ": ", why),
              "a patch without `on … call`, `dlopen`, constructors and exceptions needs no thread of its own");
}

const runtime::Module *named(const Snapshot &snapshot, std::string_view soname) {
  auto found = std::ranges::find(snapshot.modules, soname, &runtime::Module::soname);
  return found == snapshot.modules.end() ? nullptr : &*found;
}

std::vector<std::optional<RemoteAddress>> definedBy(const Snapshot &snapshot, const runtime::Module &module,
                                                    const std::vector<std::string> &names, bool exported = true) {
  std::vector<std::optional<RemoteAddress>> out(names.size());
  const target::ElfFile *file = snapshot.files->of(module);
  if (!file) return out;
  auto found = file->find(names, target::Spelling::AsInTable);
  for (size_t i = 0; i < names.size(); i++)
    for (const target::Symbol &symbol : found[i])
      if (symbol.exported || !exported) out[i] = module.bias.of(symbol.address);
  return out;
}

bool hasBegun(const runtime::Process &process, const Snapshot &snapshot) {
  constexpr uint64_t kStackSize = 32; // in struct pthread_attr (sysdeps/nptl/internaltypes.h)
  auto defaults = definedBy(snapshot, snapshot.modules[0], {"__default_pthread_attr"}, false)[0];
  auto size = defaults ? process.readWord(*defaults + kStackSize) : Result<uint64_t>(0);
  return size && *size != 0;
}

// In a static program calloc is that of the C library if both of its names are there.
bool allocatesByLibrary(const Snapshot &snapshot, const runtime::Module &libc, bool inProgram) {
  if (inProgram) {
    auto names = definedBy(snapshot, libc, {"calloc", "__libc_calloc"}, false);
    return names[0] && names[0] == names[1];
  }
  return std::ranges::none_of(snapshot.modules, [&](const runtime::Module &module) {
    bool ofLibrary = &module == &libc || module.soname.starts_with("ld-linux");
    return !ofLibrary && definedBy(snapshot, module, {"calloc"})[0].has_value();
  });
}

} // namespace

Result<runtime::ThreadLibrary> findThreadLibrary(const runtime::Process &process, const Snapshot &snapshot) {
  const runtime::Module *libc = named(snapshot, "libc.so.6");
  const bool inProgram = libc == nullptr;
  if (inProgram) libc = snapshot.modules.data();
  auto symbols = definedBy(snapshot, *libc, {"pthread_create", "_thread_db_pthread_tid"}, !inProgram);
  if (const runtime::Module *older = named(snapshot, "libpthread.so.0"); older && !symbols[0])
    symbols[0] = definedBy(snapshot, *older, {"pthread_create"})[0];
  if (inProgram && !(symbols[0] && symbols[1]))
    return noThreads(process, "it has no C library of GNU, or one linked into it without threads or without symbols");
  if (!symbols[0]) return noThreads(process, "it has no `pthread_create`");
  if (!allocatesByLibrary(snapshot, *libc, inProgram))
    return noThreads(process, "its memory is not allocated by the C library, whose threads lpc knows how to make");
  if (inProgram && !hasBegun(process, snapshot)) return noThreads(process, "its own C library is not set up yet");
  auto storage = runtime::readThreadStorage(process, snapshot.maps, snapshot.modules, *libc);
  if (!symbols[1] || !storage || !storage->fromThread)
    return noThreads(process, "its C library keeps its threads in a way that lpc does not know");
  auto description = process.read(*symbols[1], 12); // bits, number of elements, offset: 32 bits each
  if (!description) return std::unexpected(std::move(description.error()));
  BytesView words(*description);
  if (loadLittle(words.first(4)) != 32 || loadLittle(words.subspan(4, 4)) != 1)
    return noThreads(process, "its C library keeps its threads in a way that lpc does not know");
  return runtime::ThreadLibrary{*symbols[0], loadLittle(words.subspan(8, 4)), *storage, inProgram};
}

} // namespace lpc::backend
