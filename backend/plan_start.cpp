// Constructors and destructors run as the dynamic linker would run them; after these, functions that the payload has
// registered for its end (atexit, static objects of C++) are called through the process's __cxa_finalize, which knows
// them by the payload's __dso_handle.
//
// Exceptions. An unwinder finds the frames of what the dynamic linker has loaded, and of what is registered with it.
// Registering takes a thread of the process, so it is done only where exceptions are to be expected: for payloads of
// C++ (mangled names, or the functions of the C++ ABI), and in a program of C++ for those that code of the program is
// called below through the pointer of a `hook`. There any other function that a payload in C calls may throw through
// it, too, and finds nobody to catch it where its frames are not known; so it is done, if it can be, for all payloads
// that call anything but themselves. In a program of C nothing but the end of a thread unwinds (pthread_cancel), which
// goes on where it cannot: for payloads of a `hook`, if it can be. A payload that
// itself throws needs the process to have an unwinder; to others it does no harm if there is none. A process may have
// several: libc++ comes with LLVM's, and the C library cancels threads with libgcc's; each is told. They look alike,
// but __register_frame of LLVM's takes a single entry, and not a table.
#include "backend/plan_start.h"

#include <algorithm>
#include <functional>

#include "backend/calls_out.h"
#include "backend/module_files.h"
#include "backend/thread_library.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

struct Unwinder {
  std::string addName, removeName;
  RemoteAddress add, remove; // take the start of .eh_frame
};

std::optional<RemoteAddress> definedIn(const runtime::Module &module, const std::vector<target::Symbol> &found) {
  for (const target::Symbol &symbol : found)
    if (symbol.kind != target::SymbolKind::ThreadLocal) return module.bias.of(symbol.address);
  return std::nullopt;
}

// Addresses of `names` in the first module that defines all of them, local symbols included (a program may have its
// unwinder linked in).
std::optional<std::vector<RemoteAddress>> findTogether(const Snapshot &snapshot,
                                                       const std::vector<std::string> &names) {
  for (const runtime::Module &module : snapshot.modules) {
    const target::ElfFile *file = snapshot.files->of(module);
    if (!file) continue;
    auto found = file->find(names, target::Spelling::AsInTable);
    std::vector<RemoteAddress> out;
    for (const auto &symbols : found)
      if (auto address = definedIn(module, symbols)) out.push_back(*address);
    if (out.size() == names.size()) return out;
  }
  return std::nullopt;
}

// Those that can be told of a whole .eh_frame; LLVM's since its version 14.
std::vector<Unwinder> findUnwinders(const Snapshot &snapshot) {
  const std::vector<std::string> names{"__register_frame", "__deregister_frame", "__unw_add_dynamic_eh_frame_section",
                                       "__unw_remove_dynamic_eh_frame_section", "__unw_add_dynamic_fde"};
  std::vector<Unwinder> out;
  for (const runtime::Module &module : snapshot.modules) {
    const target::ElfFile *file = snapshot.files->of(module);
    if (!file) continue;
    auto found = file->find(names, target::Spelling::AsInTable);
    auto at = [&](size_t i) { return definedIn(module, found[i]); };
    const auto addTable = at(2), removeTable = at(3), add = at(0), remove = at(1);
    if (addTable && removeTable)
      out.push_back({names[2], names[3], *addTable, *removeTable});
    else if (add && remove && !at(4))
      out.push_back({names[0], names[1], *add, *remove});
  }
  return out;
}

// Whether the program's tables are of C alone: each language has a function of its own that reads them, and only that
// of C is there. glibc is compiled with such tables, and a program that is linked with it statically has them, too.
bool onlyOfC(const target::ElfFile &program) {
  const std::vector<std::string> names{"__gcc_personality_v0",     "__gxx_personality_v0",   "rust_eh_personality",
                                       "__gnat_personality_v0",    "__gccgo_personality_v0", "__gdc_personality_v0",
                                       "__gnu_objc_personality_v0"};
  auto found = program.find(names, target::Spelling::AsInTable);
  return !found[0].empty() &&
         std::all_of(found.begin() + 1, found.end(), std::mem_fn(&std::vector<target::Symbol>::empty));
}

bool isCxxLibrary(std::string_view soname) {
  return soname.starts_with("libstdc++.so") || soname.starts_with("libc++");
}

// A library of C++ is there for the sake of one alone that allocates: jemalloc has an `operator new`, and is used by
// programs in C.
bool isForAllocator(const Snapshot &snapshot) {
  const std::vector<const runtime::Module *> allocators = otherAllocators(snapshot);
  size_t users = 0;
  for (const runtime::Module &module : snapshot.modules) {
    const target::ElfFile *file = isCxxLibrary(module.soname) ? nullptr : snapshot.files->of(module);
    if (!file || std::ranges::none_of(file->needed(), isCxxLibrary)) continue;
    users++;
    if (std::ranges::find(allocators, &module) == allocators.end()) return false;
  }
  return users != 0;
}

// A library of C++, or tables in the program by which exceptions find what is to be done in its frames.
bool isCxx(const Snapshot &snapshot) {
  if (std::ranges::any_of(snapshot.modules, isCxxLibrary, &runtime::Module::soname) && !isForAllocator(snapshot))
    return true;
  const target::ElfFile *program = snapshot.files->of(snapshot.modules[0]);
  return program &&
         std::ranges::find(program->sections(), ".gcc_except_table", &target::Section::name) !=
             std::ranges::end(program->sections()) &&
         !onlyOfC(*program);
}

class Starter {
public:
  Starter(const std::vector<StartedPayload> &payloads, const runtime::Process &process, const Snapshot &snapshot,
          Plan &plan)
      : payloads_(payloads), process_(process), snapshot_(snapshot), plan_(plan), calls_(plan.calls) {}

  Result<void> run() {
    for (const StartedPayload &payload : payloads_)
      if (auto done = frames(payload); !done) return done;
    for (const StartedPayload &payload : payloads_)
      resolvers(payload);
    for (const StartedPayload &payload : payloads_)
      if (auto done = functions(payload); !done) return done;
    // Applied is a step of its own, and each `on post-revert` one behind it: the last one is made first.
    uint64_t steps = starts_.size() + 1;
    for (Call &call : finishes_)
      if (call.step == 0) call.step = steps;
    std::ranges::stable_sort(finishes_, std::ranges::greater(), &Call::step);
    uint64_t last = steps + static_cast<uint64_t>(std::ranges::count(calls_, CallStage::PostRevert, &Call::stage));
    for (Call &call : calls_)
      if (call.stage == CallStage::PostRevert) call.step = last--;
    std::ranges::stable_sort(calls_, {}, &Call::stage);
    calls_.insert(calls_.begin(), starts_.begin(), starts_.end());
    calls_.insert(calls_.end(), finishes_.begin(), finishes_.end());
    return {};
  }

private:
  uint64_t start(RemoteAddress function, std::vector<uint64_t> arguments, std::string name, const Place &place) {
    uint64_t step = starts_.size() + 1;
    starts_.push_back({CallStage::Start, function, std::move(arguments), std::move(name), place, step});
    return step;
  }
  void finish(RemoteAddress function, std::vector<uint64_t> arguments, std::string name, uint64_t step) {
    finishes_.push_back({CallStage::Finish, function, std::move(arguments), std::move(name), {}, step});
  }

  // The cheapest question first: most programs are none of C++, and their payloads need not be decoded.
  bool needsFrames(const StartedPayload &payload, const std::optional<PayloadRange> &range) {
    if (payload.image->isCxx) return true;
    if (!inCxx_) inCxx_ = isCxx(snapshot_);
    if (payload.calledBack && *inCxx_) return true;
    if (!payload.calledBack &&
        (!*inCxx_ || (range && !callsOut(*payload.image, *payload.content, payload.base, *range))))
      return false;
    if (!askedForThreads_) {
      askedForThreads_ = true;
      if (auto threads = findThreadLibrary(process_, snapshot_)) plan_.threads = *threads;
    }
    return plan_.threads.has_value();
  }

  Result<void> frames(const StartedPayload &payload) {
    if (!payload.image->unwindTable) return {};
    auto range = framesOf(*payload.content, *payload.image->unwindTable);
    if (!needsFrames(payload, range)) return {};
    if (!unwinders_) unwinders_ = findUnwinders(snapshot_);
    if (unwinders_->empty() && !payload.image->throws) return {};
    if (unwinders_->empty())
      return refuse(payload, "throws exceptions, and the process has no unwinder that could be told of its functions",
                    "load it with `dlopen`, or return an error instead");
    if (!range && !payload.image->throws) return {};
    if (!range) return refuse(payload, "throws exceptions, and its unwinding table has no end", "");
    std::vector<uint64_t> where{(payload.base + range->offset).value};
    for (const Unwinder &unwinder : *unwinders_) {
      uint64_t step = start(unwinder.add, where, cat("`", unwinder.addName, "` for ", payload.file), payload.place);
      finish(unwinder.remove, where, cat("`", unwinder.removeName, "` for ", payload.file), step);
    }
    plan_.frames.push_back({payload.base + range->offset, payload.base + range->offset + range->size});
    return {};
  }

  void resolvers(const StartedPayload &payload) {
    for (const PayloadImage::IndirectFunction &function : payload.image->indirect) {
      start(payload.base + function.resolver, {}, cat("the resolver of `", function.name, "` of ", payload.file),
            payload.place);
      starts_.back().keptAt = payload.base + function.slot;
    }
  }

  RemoteAddress addressOf(const StartedPayload &payload, const PayloadImage::StartFunction &function) const {
    if (!function.isPointer) return payload.base + function.offset;
    return {loadLittle(BytesView(*payload.content).subspan(function.offset, 8))};
  }

  // Functions of the dynamic linker's kind: with the arguments of `main`, which are none here.
  Result<void> functions(const StartedPayload &payload) {
    const PayloadImage &image = *payload.image;
    uint64_t first = 0, last = 0;
    for (const PayloadImage::StartFunction &function : image.constructors) {
      last = start(addressOf(payload, function), {0, 0, 0},
                   cat("the constructor `", function.name, "` of ", payload.file), payload.place);
      if (first == 0) first = last;
    }
    for (const PayloadImage::StartFunction &function : image.destructors)
      finish(addressOf(payload, function), {}, cat("the destructor `", function.name, "` of ", payload.file), last);
    // Its list has the function in a form that nobody but exit() can read, and no handle to find it by.
    if (std::ranges::find(image.undefined, "on_exit", &UndefinedSymbol::name) != image.undefined.end())
      return refuse(payload, "registers functions by `on_exit`, which could not be taken back", "use `atexit`");
    if (image.exitHandle) {
      auto finalize = findTogether(snapshot_, {"__cxa_finalize"});
      if (!finalize)
        return refuse(payload, "registers functions for its end, and the process has no `__cxa_finalize`", "");
      plan_.exitHandles.push_back(payload.base + *image.exitHandle);
      finish((*finalize)[0], {(payload.base + *image.exitHandle).value}, cat("`__cxa_finalize` for ", payload.file),
             first);
    }
    return {};
  }

  static std::unexpected<Error> refuse(const StartedPayload &payload, std::string_view what, std::string help) {
    return std::unexpected(Error{
        DiagnosticId::UnsupportedPayload, cat("`", payload.file, "` ", what), {}, std::move(help), payload.place});
  }

  const std::vector<StartedPayload> &payloads_;
  const runtime::Process &process_;
  const Snapshot &snapshot_;
  Plan &plan_;
  std::vector<Call> &calls_;
  std::vector<Call> starts_, finishes_;
  std::optional<bool> inCxx_;
  bool askedForThreads_ = false;
  std::optional<std::vector<Unwinder>> unwinders_;
};

} // namespace

Result<void> planStarts(const std::vector<StartedPayload> &payloads, const runtime::Process &process,
                        const Snapshot &snapshot, Plan &plan) {
  return Starter(payloads, process, snapshot, plan).run();
}

// LSB core, "Exception Frames": version 1, then how the pointer to .eh_frame is written; here always as 4 bytes from
// its own place (DW_EH_PE_pcrel | DW_EH_PE_sdata4), as all linkers write it.
std::optional<PayloadRange> framesOf(BytesView content, const PayloadRange &table) {
  constexpr uint8_t kRelative4 = 0x1b;
  constexpr uint32_t kLongEntry = 0xffffffff;
  if (table.size < 8 || table.offset > content.size() || content.size() - table.offset < 8) return std::nullopt;
  BytesView header = content.subspan(table.offset, 8);
  if (header[0] != 1 || header[1] != kRelative4) return std::nullopt;
  uint64_t begin =
      table.offset + 4 + static_cast<uint64_t>(int64_t{static_cast<int32_t>(loadLittle(header.subspan(4, 4)))});
  for (uint64_t at = begin; at < content.size() && content.size() - at >= 4;) {
    auto length = static_cast<uint32_t>(loadLittle(content.subspan(at, 4)));
    at += 4;
    if (length == 0) return PayloadRange{begin, at - begin};
    if (length == kLongEntry || length > content.size() - at) return std::nullopt;
    at += length;
  }
  return std::nullopt;
}

} // namespace lpc::backend
