// glibc is known by its soname and by what it exports for debuggers: `_thread_db_pthread_tid` says where in a thread's
// descriptor its id stands (nptl_db/structs.def), so nothing has to be guessed from its version. Since 2.34
// pthread_create is in libc.so.6, before that in libpthread.so.0, which need not be loaded. A static program has both
// in its own symbol table, if it makes threads itself and is not stripped. Before its own code has set up its library
// (`lpc run`), it has none: that shows in the stack size that new threads get (__pthread_initialize_minimal).
//
// pthread_create is called by a thread that is none to the C library, and allocates. glibc's allocator bears that, and
// what it puts into its thread-local variables is handed over to the new thread. Others (jemalloc in Debian's Redis)
// take the zeros there for a state of theirs, and keep pointers to it: such a process was ended by it. There the call
// is made in the name of a thread that is outside of the allocator, for which one has to know whose code is whose.
// Where the allocator is a part of the program, nobody knows.
#include "backend/thread_library.h"

#include <elf.h>

#include <algorithm>
#include <iterator>

#include "backend/module_files.h"
#include "ir/support/cat.h"
#include "runtime/auxiliary.h"

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
bool allocatesByLibrary(const Snapshot &snapshot, const runtime::Module &libc) {
  auto names = definedBy(snapshot, libc, {"calloc", "__libc_calloc"}, false);
  return names[0] && names[0] == names[1];
}

bool isOfLibrary(const runtime::Module &module) {
  return module.soname == "libc.so.6" || module.soname == "libpthread.so.0";
}

// Those besides the C library and the dynamic linker that define one of the names.
std::vector<const runtime::Module *> otherOwners(const Snapshot &snapshot, const std::vector<std::string> &names) {
  std::vector<const runtime::Module *> found;
  for (const runtime::Module &module : snapshot.modules) {
    if (isOfLibrary(module) || module.soname.starts_with("ld-linux")) continue;
    if (std::ranges::any_of(definedBy(snapshot, module, names), [](const auto &at) { return at.has_value(); }))
      found.push_back(&module);
  }
  return found;
}

// What a program calls in order to wait, and stdio's functions that read. Names of the dynamic symbol table.
const std::vector<std::string> &sleepingFunctions() {
  static const std::vector<std::string> names = {"accept",
                                                 "accept4",
                                                 "connect",
                                                 "recv",
                                                 "__recv_chk",
                                                 "recvfrom",
                                                 "__recvfrom_chk",
                                                 "recvmsg",
                                                 "recvmmsg",
                                                 "read",
                                                 "__read_chk",
                                                 "readv",
                                                 "poll",
                                                 "__poll_chk",
                                                 "ppoll",
                                                 "__ppoll_chk",
                                                 "select",
                                                 "pselect",
                                                 "epoll_wait",
                                                 "epoll_pwait",
                                                 "epoll_pwait2",
                                                 "fgets",
                                                 "__fgets_chk",
                                                 "fread",
                                                 "__fread_chk",
                                                 "getc",
                                                 "fgetc",
                                                 "getchar",
                                                 "getline",
                                                 "getdelim",
                                                 "nanosleep",
                                                 "clock_nanosleep",
                                                 "sleep",
                                                 "usleep",
                                                 "thrd_sleep",
                                                 "pause",
                                                 "sigsuspend",
                                                 "sigwait",
                                                 "sigwaitinfo",
                                                 "sigtimedwait",
                                                 "wait",
                                                 "wait3",
                                                 "wait4",
                                                 "waitpid",
                                                 "waitid",
                                                 "flock",
                                                 "fcntl",
                                                 "fcntl64",
                                                 "msgrcv",
                                                 "semop",
                                                 "semtimedop",
                                                 "sem_wait",
                                                 "sem_timedwait",
                                                 "sem_clockwait",
                                                 "pthread_cond_wait",
                                                 "pthread_cond_timedwait",
                                                 "pthread_cond_clockwait",
                                                 "cnd_wait",
                                                 "cnd_timedwait",
                                                 "pthread_mutex_lock",
                                                 "pthread_mutex_timedlock",
                                                 "pthread_mutex_clocklock",
                                                 "mtx_lock",
                                                 "mtx_timedlock",
                                                 "pthread_rwlock_rdlock",
                                                 "pthread_rwlock_wrlock",
                                                 "pthread_rwlock_timedrdlock",
                                                 "pthread_rwlock_timedwrlock",
                                                 "pthread_barrier_wait",
                                                 "pthread_join",
                                                 "pthread_timedjoin_np",
                                                 "pthread_clockjoin_np",
                                                 "thrd_join",
                                                 "syscall"};
  return names;
}

// Of all versions: pthread_cond_wait has two.
std::vector<RemoteRange> rangesOf(const Snapshot &snapshot, const runtime::Module &module,
                                  const std::vector<std::string> &names) {
  std::vector<RemoteRange> ranges;
  const target::ElfFile *file = snapshot.files->of(module);
  if (!file) return ranges;
  for (const auto &symbols : file->find(names, target::Spelling::AsInTable))
    for (const target::Symbol &symbol : symbols)
      if (symbol.exported && symbol.size != 0)
        ranges.push_back({module.bias.of(symbol.address), module.bias.of(symbol.address) + symbol.size});
  return ranges;
}

runtime::CodeOwners codeOwners(const runtime::Process &process, const Snapshot &snapshot,
                               const std::vector<const runtime::Module *> &allocators) {
  runtime::CodeOwners owners;
  for (const runtime::Module &module : snapshot.modules) {
    if (module.isLoader) owners.linker = module.range;
    if (!isOfLibrary(module)) continue;
    owners.library.push_back(module.range);
    std::ranges::copy(rangesOf(snapshot, module, sleepingFunctions()), std::back_inserter(owners.sleepers));
  }
  for (const runtime::Module *module : allocators)
    owners.allocators.push_back(module->range);
  owners.entry = {runtime::Auxiliary(process)[AT_ENTRY]};
  return owners;
}

// Fills in what is needed where another library allocates.
Result<void> findAllocators(const runtime::Process &process, const Snapshot &snapshot, const runtime::Module &libc,
                            runtime::ThreadLibrary &library) {
  if (otherAllocators(snapshot).empty()) return {};
  auto allocators = otherOwners(snapshot, {"calloc", "malloc"});
  if (allocators[0]->isProgram)
    return noThreads(process, "its memory is not allocated by the C library, but by the program itself");
  if (auto makers = otherOwners(snapshot, {"pthread_create"}); !makers.empty())
    return noThreads(process, cat("its memory is not allocated by the C library, and its threads are made by `",
                                  makers[0]->path, "`"));
  auto errnoLocation = definedBy(snapshot, libc, {"__errno_location"})[0];
  runtime::CodeOwners owners = codeOwners(process, snapshot, allocators);
  if (!errnoLocation || owners.sleepers.empty() || owners.linker.size() == 0)
    return noThreads(process, "its C library can't be read, and its memory is not allocated by it");
  library.owners = std::move(owners);
  library.errnoLocation = *errnoLocation;
  return {};
}

} // namespace

// Which is what pthread_create needs.
std::vector<const runtime::Module *> otherAllocators(const Snapshot &snapshot) {
  return otherOwners(snapshot, {"calloc"});
}

Result<runtime::ThreadLibrary> findThreadLibrary(const runtime::Process &process, const Snapshot &snapshot) {
  const runtime::Module *libc = named(snapshot, "libc.so.6");
  const bool inProgram = libc == nullptr;
  if (inProgram) libc = snapshot.modules.data();
  auto symbols = definedBy(snapshot, *libc, {"pthread_create", "_thread_db_pthread_tid"}, !inProgram);
  if (const runtime::Module *older = named(snapshot, "libpthread.so.0"); older && !symbols[0])
    symbols[0] = definedBy(snapshot, *older, {"pthread_create"})[0];
  const std::optional<RemoteAddress> create = symbols[0], ids = symbols[1];
  if (inProgram && !(create && ids))
    return noThreads(process, "it has no C library of GNU, or one linked into it without threads or without symbols");
  if (!create) return noThreads(process, "it has no `pthread_create`");
  if (inProgram && !allocatesByLibrary(snapshot, *libc))
    return noThreads(process, "its memory is not allocated by the C library, but by the program itself");
  if (inProgram && !hasBegun(process, snapshot)) return noThreads(process, "its own C library is not set up yet");
  auto storage = runtime::readThreadStorage(process, snapshot.maps, snapshot.modules, *libc);
  if (!ids || !storage || !storage->fromThread)
    return noThreads(process, "its C library keeps its threads in a way that lpc does not know");
  auto description = process.read(*ids, 12); // bits, number of elements, offset: 32 bits each
  if (!description) return std::unexpected(std::move(description.error()));
  BytesView words(*description);
  if (loadLittle(words.first(4)) != 32 || loadLittle(words.subspan(4, 4)) != 1)
    return noThreads(process, "its C library keeps its threads in a way that lpc does not know");
  runtime::ThreadLibrary library{*create, loadLittle(words.subspan(8, 4)), *storage, inProgram};
  if (!inProgram)
    if (auto found = findAllocators(process, snapshot, *libc, library); !found) return std::unexpected(found.error());
  return library;
}

} // namespace lpc::backend
