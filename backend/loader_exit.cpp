// glibc calls constructors under the lock of its dynamic linker, and so destructors. A thread that ends there leaves it
// locked, and from then on nothing that needs the lock ever returns: dlopen, dlclose, and where frames are looked up by
// dl_iterate_phdr every `throw`.
//
// Which frame is the dynamic linker's call of the function is not told by its symbols, for it has none. It is the
// outermost one in it that called indirectly, and that keeps a place in an array of constructors (DT_INIT_ARRAY, or
// destructors, DT_FINI_ARRAY) in one of the registers that functions keep for their callers: the next entry in glibc
// 2.36, the current one in others. What lies outside of it, up to the worker, are frames of the C library and the
// dynamic linker alone. Behind it none may be: a constructor that failed in a dlopen of its own, or in a callback of
// dl_iterate_phdr, holds locks that this way does not give back. One that is late is not left in the C library, unless
// it waits there, but asked again somewhat later: it may hold the lock of the allocator, which the dynamic linker
// needs.
//
// Rejected: going on with the next constructor (it may start a thread that relies on what the failed one was to do,
// and nobody catches what threads raise); leaving dlopen altogether, by its own way for errors (glibc ends the process
// for an error that comes from a constructor); destructors of what was not constructed (`close` of a descriptor that is
// still 0).
#include "backend/loader_exit.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "backend/arch/arch.h"
#include "backend/module_files.h"
#include "runtime/elf_memory.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kWord = 8;
constexpr uint64_t kMostFunctions = 1 << 16;

// Interrupted in a wait: the codes with which the kernel restarts it (linux/errno.h), and EINTR.
bool isWaiting(const user_regs_struct &registers) {
  auto result = static_cast<int64_t>(registers.rax);
  return static_cast<int64_t>(registers.orig_rax) >= 0 && ((result <= -512 && result >= -516) || result == -EINTR);
}

bool isBehindIndirectCall(const runtime::Process &process, RemoteAddress at) {
  auto bytes = process.read({at.value - Arch::kLongestCall}, Arch::kLongestCall);
  return bytes && Arch::of(process.machine()).callBefore(*bytes) == Arch::CallKind::Indirect;
}

RemoteRange arrayOf(const runtime::ElfMemory &elf, bool constructors) {
  auto at = elf.dynamicEntry(constructors ? DT_INIT_ARRAY : DT_FINI_ARRAY);
  auto bytes = elf.dynamicEntry(constructors ? DT_INIT_ARRAYSZ : DT_FINI_ARRAYSZ);
  if (!at || !bytes || *bytes / kWord == 0 || *bytes / kWord > kMostFunctions) return {};
  RemoteAddress begin = elf.bias().of({*at});
  return {begin, begin + *bytes / kWord * kWord};
}

// Of the function that compilers link into every object (crtbegin's), which calls what was registered under the
// object's handle: a word that holds its own address. It takes it from there: `mov rdi, [rip + …]`.
std::optional<RemoteAddress> handleIn(RemoteAddress function, const runtime::Process &process) {
  constexpr uint64_t kLength = 48;
  constexpr uint8_t kLoad[] = {0x48, 0x8b, 0x3d};
  auto code = process.read(function, kLength);
  for (size_t at = 0; code && at + 7 <= code->size(); at++) {
    if (!std::equal(std::begin(kLoad), std::end(kLoad), code->begin() + static_cast<ptrdiff_t>(at))) continue;
    auto distance = static_cast<int32_t>(loadLittle(BytesView(*code).subspan(at + 3, 4)));
    RemoteAddress handle{function.value + at + 7 + static_cast<uint64_t>(int64_t{distance})};
    if (process.readWord(handle).value_or(0) == handle.value) return handle;
  }
  return std::nullopt;
}

std::optional<target::Symbol> exportedBy(const Snapshot &snapshot, const runtime::Module &module, const char *name) {
  const target::ElfFile *file = snapshot.files->of(module);
  if (!file) return std::nullopt;
  auto found = file->find({name}, target::Spelling::Exported);
  return found[0].empty() ? std::nullopt : std::optional(found[0][0]);
}

} // namespace

bool LoaderExit::prepare() {
  auto now = look(process_);
  if (!now) return false;
  now_ = std::move(*now);
  for (const runtime::Module &module : now_.modules) {
    if (module.isLoader) linker_ = &module;
    if (module.soname == "libc.so.6") libc_ = &module;
    auto elf = runtime::ElfMemory::withHeader(process_, now_.maps, module.range.begin);
    for (bool constructors : {true, false})
      if (RemoteRange functions = elf ? arrayOf(*elf, constructors) : RemoteRange{}; functions.size() != 0)
        arrays_.push_back({&module, functions, constructors});
  }
  if (linker_ == nullptr || libc_ == nullptr || arrays_.empty()) return false;
  auto nothing = exportedBy(now_, *linker_, "_dl_debug_state"); // for debuggers to stop at (<link.h>, r_brk)
  auto iteration = exportedBy(now_, *libc_, "dl_iterate_phdr");
  if (!nothing || !iteration || iteration->size == 0) return false;
  nothing_ = linker_->bias.of(nothing->address);
  iteration_ = {libc_->bias.of(iteration->address), libc_->bias.of(iteration->address + iteration->size)};
  auto unwinder = runtime::Unwinder::prepare(process_, now_.maps, now_.modules);
  if (!unwinder) return false;
  unwinder_.emplace(std::move(*unwinder));
  return true;
}

bool LoaderExit::inLibrary(RemoteAddress at) const {
  const runtime::Module *module = runtime::moduleAt(now_.modules, at);
  return module && (module == linker_ || module == libc_ || module->soname == "libdl.so.2");
}

// The object whose function this frame has called, where it is the dynamic linker's.
const LoaderExit::Array *LoaderExit::called(const runtime::CallerFrame &frame, bool constructors) const {
  if (!linker_->range.contains(frame.programCounter) || !isBehindIndirectCall(process_, frame.programCounter))
    return nullptr;
  for (const Array &array : arrays_)
    for (const std::optional<uint64_t> &word : frame.kept)
      if (array.constructors == constructors && word && *word % kWord == 0 && *word >= array.functions.begin.value &&
          *word <= array.functions.end.value)
        return &array;
  return nullptr;
}

bool LoaderExit::mayBeLeft(std::span<const runtime::CallerFrame> frames) const {
  return std::ranges::none_of(frames, [&](const runtime::CallerFrame &frame) {
    return linker_->range.contains(frame.programCounter) || iteration_.contains(frame.programCounter);
  });
}

runtime::WayOut LoaderExit::find(const runtime::FailedCall &failed) {
  if (!unwinder_ && !prepare()) return {};
  if (!unwinder_) return {};
  runtime::StoppedThread thread{.tid = failed.tid, .registers = {.raw = failed.registers}};
  user_regs_struct &raw = thread.registers.raw;
  const runtime::Mapping *code = runtime::mappingAt(now_.maps, {raw.rip});
  const bool nowhere = !code || !code->executable; // a call of what is no code: it has no frame
  if (nowhere) {
    raw.rip = process_.readWord({raw.rsp}).value_or(0);
    raw.rsp += kWord;
  }
  std::vector<runtime::CallerFrame> frames = unwinder_->callers(thread);
  auto base = std::ranges::find_if(frames, [&](const runtime::CallerFrame &frame) {
    return failed.caller.contains(frame.programCounter) && frame.stackPointer == failed.stack;
  });
  if (base == frames.end()) return {};
  auto left = static_cast<size_t>(base - frames.begin());
  const Array *array = nullptr;
  const bool opens = !failed.text.empty(); // the path for dlopen
  while (left > 0 && inLibrary(frames[left - 1].programCounter) && !array)
    array = called(frames[--left], opens);
  if (!array || (left == 0 && !nowhere)) return {};
  const runtime::CallerFrame &linker = frames[left];
  std::span<const runtime::CallerFrame> inside(frames.data(), left);
  bool inOrder = linker.stackPointer.value > failed.registers.rsp && linker.stackPointer < failed.stack &&
                 std::ranges::all_of(linker.kept, [](const auto &word) { return word.has_value(); });
  if (!inOrder) return {};
  bool busy =
      std::ranges::any_of(inside, [&](const auto &frame) { return libc_->range.contains(frame.programCounter); });
  if (failed.late && (!mayBeLeft(inside) || (busy && !isWaiting(failed.registers))))
    return {runtime::WayOut::Kind::Later, {}};
  if (!mayBeLeft(inside) || (opens && !takeOut(*array->module, failed.text))) return {};

  runtime::WayOut out{runtime::WayOut::Kind::GoOn, failed.registers};
  out.registers.rip = linker.programCounter.value;
  out.registers.rsp = linker.stackPointer.value;
  const std::array registers{&out.registers.rbx, &out.registers.rbp, &out.registers.r12,
                             &out.registers.r13, &out.registers.r14, &out.registers.r15};
  for (size_t i = 0; i < registers.size(); i++)
    *registers[i] = linker.kept[i].value_or(0); // all are known
  out.registers.rax = 0;
  out.registers.orig_rax = ~uint64_t{0};
  out.registers.eflags &= ~uint64_t{0x500}; // direction, trap
  return out;
}

bool LoaderExit::takeOut(const runtime::Module &failed, const std::string &path) const {
  return std::ranges::all_of(unfinished(failed, path), [&](const runtime::Module *module) {
    return replace(*module, true) && replace(*module, false);
  });
}

// The object that failed, and of those that `dlopen(path)` loads the ones that need it: their constructors come behind
// its own. They stand in the list of objects from the one with that path on, for nobody else can load any meanwhile.
std::vector<const runtime::Module *> LoaderExit::unfinished(const runtime::Module &failed,
                                                            const std::string &path) const {
  std::vector<const runtime::Module *> found{&failed};
  auto first = std::ranges::find(now_.modules, path, &runtime::Module::path);
  for (size_t i = 0; i < found.size(); i++) {
    const runtime::Module &needed = *found[i];
    for (auto module = first; module != now_.modules.end(); ++module) {
      if (std::ranges::find(found, &*module) != found.end()) continue;
      const target::ElfFile *file = now_.files->of(*module);
      bool needs = file && std::ranges::any_of(file->needed(), [&](const std::string &name) {
                     return name == needed.soname || name == needed.path || needed.path.ends_with("/" + name);
                   });
      if (needs) found.push_back(&*module);
    }
  }
  return found;
}

// Puts a function that does nothing in the place of each: of the arrays, and of the single ones that are older.
bool LoaderExit::replace(const runtime::Module &module, bool constructors) const {
  auto elf = runtime::ElfMemory::withHeader(process_, now_.maps, module.range.begin);
  if (!elf) return false;
  Bytes nothing, single;
  appendLittle(nothing, nothing_.value, kWord);
  appendLittle(single, nothing_.value - module.bias.value, kWord);
  RemoteRange functions = arrayOf(*elf, constructors);
  for (RemoteAddress at = functions.begin; at < functions.end; at = at + kWord) {
    auto function = process_.readWord(at);
    if (!function) return false;
    if (!constructors && handleIn({*function}, process_)) continue;
    if (!process_.write(at, nothing)) return false;
  }
  auto entries = elf->dynamic();
  for (RemoteAddress at = entries ? entries->begin : RemoteAddress{}; entries && at < entries->end;
       at = at + 2 * kWord) {
    auto tag = process_.readWord(at);
    if (!tag || *tag == DT_NULL) break;
    if (*tag == (constructors ? DT_INIT : DT_FINI) && !process_.write(at + kWord, single)) return false;
  }
  return true;
}

std::optional<RemoteAddress> endHandle(const runtime::ElfMemory &elf, const runtime::Process &process) {
  RemoteRange functions = arrayOf(elf, false);
  for (RemoteAddress at = functions.begin; at < functions.end; at = at + kWord) {
    auto function = process.readWord(at);
    auto handle = function && elf.range().contains({*function}) ? handleIn({*function}, process) : std::nullopt;
    if (handle && elf.range().contains(*handle)) return handle;
  }
  return std::nullopt;
}

bool isUnconstructed(const runtime::Process &process, const Snapshot &snapshot, uint64_t handle) {
  constexpr uint64_t kDynamic = 2 * kWord; // l_ld
  auto linker = std::ranges::find_if(snapshot.modules, &runtime::Module::isLoader);
  auto dynamic = process.readWord(RemoteAddress{handle} + kDynamic);
  const runtime::Module *module = dynamic ? runtime::moduleAt(snapshot.modules, {*dynamic}) : nullptr;
  if (linker == snapshot.modules.end() || !module) return false;
  auto nothing = exportedBy(snapshot, *linker, "_dl_debug_state");
  auto elf = runtime::ElfMemory::withHeader(process, snapshot.maps, module->range.begin);
  if (!nothing || !elf) return false;
  auto first = process.readWord(arrayOf(*elf, true).begin);
  return first && *first == linker->bias.of(nothing->address).value;
}

} // namespace lpc::backend
