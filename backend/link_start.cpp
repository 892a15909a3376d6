// Which initialisers of a payload may be left out.
//
// `gcc -shared` puts code of its start files into every object: `_init` calls `__gmon_start__`, `frame_dummy` registers
// clones for transactional memory, `__do_global_dtors_aux` calls `__cxa_finalize` and sets a flag that it has run. None
// of it does anything for a payload: the hooks are weak and concern profiling of whole programs, a compiler mode with
// tables of its own (empty here, or the function would go on), and the unloading of a library, which does not happen.
//
// The rule, which needs no names and no byte patterns, so that it holds for stripped files and for other compilers:
//   - an initialiser may be left out if, followed through its code with those hooks absent (isStartHook), it returns
//   without
//     changing anything but its own stack frame;
//   - a terminator, if it changes nothing but that and the payload's own memory, which nobody looks at when the program
//     has ended.
// Everything else is a constructor or destructor that somebody wants to run.
#include "backend/link_start.h"

#include <sys/mman.h>

#include <algorithm>
#include <map>

namespace lpc::backend {

BytesView StartMemory::code(uint64_t address) const {
  uint64_t offset = address - kBase;
  const LoadSegment *load = map_.segmentOf(offset, 1);
  // Relocations in code (built without -fPIC) change what the bytes mean.
  if (codeIsRelocated_ || load == nullptr || (load->protection & PROT_EXEC) == 0) return {};
  uint64_t inside = offset - load->offset;
  return inside < load->bytes.size() ? load->bytes.subspan(inside) : BytesView{};
}

std::optional<uint64_t> StartMemory::load(uint64_t address, unsigned width) const {
  uint64_t offset = address - kBase;
  const LoadSegment *load = map_.segmentOf(offset, width);
  if (load == nullptr) return std::nullopt;
  Relocated relocated = relocate_(offset, width);
  if (relocated.touched) return relocated.value;
  uint64_t inside = offset - load->offset, value = 0;
  for (unsigned i = 0; i < width; i++) // behind the file's part all is zero
    if (inside + i < load->bytes.size()) value |= uint64_t{load->bytes[inside + i]} << (8 * i);
  return value;
}

bool StartMemory::isWritable(uint64_t address, unsigned width) const {
  const LoadSegment *load = map_.segmentOf(address - kBase, width);
  return load != nullptr && (load->protection & PROT_WRITE) != 0;
}

bool isStartHook(std::string_view name) {
  constexpr std::string_view kHooks[] = {"__gmon_start__", "_ITM_registerTMCloneTable", "_ITM_deregisterTMCloneTable",
                                         "__cxa_finalize", "_Jv_RegisterClasses"};
  return std::ranges::find(kHooks, name) != std::end(kHooks);
}

std::optional<std::vector<WantedFunction>> thatMustRun(const Arch &arch, const CodeMemory &memory,
                                                       const std::vector<WantedFunction> &functions,
                                                       AllowedEffects allowed) {
  constexpr size_t kMost = 4096;
  std::vector<WantedFunction> busy;
  std::map<uint64_t, bool> idle; // a hostile table may name one function many times
  for (const WantedFunction &wanted : functions) {
    bool isIdle = false;
    if (wanted.function) {
      auto [known, fresh] = idle.try_emplace(*wanted.function);
      if (fresh) known->second = arch.isIdle(memory, StartMemory::kBase + *wanted.function, allowed);
      isIdle = known->second;
    }
    if (!isIdle) busy.push_back(wanted);
    if (busy.size() > kMost || idle.size() > kMost) return std::nullopt;
  }
  return busy;
}

} // namespace lpc::backend
