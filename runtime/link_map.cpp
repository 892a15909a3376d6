// The dynamic linker's list of loaded objects.
//
// It is read while the process runs, and the process may be in a dlopen. Its linker says so (r_state) for debuggers
// that stop it there; we only read again until it is consistent, a few times, and take what we have then: whoever uses
// the result compares it with the mappings, and the plan is checked again when the process stands.
#include "runtime/link_map.h"

#include <unordered_set>

#include "runtime/elf_memory.h"

namespace lpc::runtime {
namespace {

constexpr size_t kMostObjects = 16384, kMostNamespaces = 64, kMostName = 4096;
constexpr uint64_t kConsistent = 0; // RT_CONSISTENT

// Words of a structure; nothing where it does not lie in one piece of memory.
class Words {
public:
  Words(const Process &process, RemoteAddress at, size_t count) : word_(pointerSize(process.machine())) {
    bytes_ = process.read(at, count * word_).value_or(Bytes());
  }
  [[nodiscard]] bool valid() const { return !bytes_.empty(); }
  [[nodiscard]] uint64_t operator[](size_t index) const {
    return loadLittle(BytesView(bytes_).subspan(index * word_, word_));
  }

private:
  size_t word_;
  Bytes bytes_;
};

void walk(const Process &process, const std::vector<Mapping> &maps, RemoteAddress at,
          std::unordered_set<uint64_t> &seen, std::vector<LinkMapEntry> &entries) {
  // l_addr, l_name, l_ld, l_next, l_prev
  while (at.value != 0 && entries.size() < kMostObjects && seen.insert(at.value).second) {
    Words map(process, at, 5);
    if (!map.valid() || !mappingAt(maps, RemoteAddress{map[2]})) return;
    auto objectName = readText(process, RemoteAddress{map[1]}, kMostName);
    entries.push_back({LoadBias{map[0]}, objectName.value_or(""), RemoteAddress{map[2]}, at});
    at = RemoteAddress{map[3]};
  }
}

} // namespace

std::vector<LinkMapEntry> readLinkMap(const Process &process, const std::vector<Mapping> &maps, RemoteAddress rDebug) {
  std::vector<LinkMapEntry> entries;
  for (int attempt = 0; attempt < 8; attempt++) {
    entries.clear();
    std::unordered_set<uint64_t> seen;
    bool consistent = true;
    RemoteAddress at = rDebug;
    for (size_t space = 0; at.value != 0 && space < kMostNamespaces; space++) {
      // r_version (an int), r_map, r_brk, r_state (an enumeration), r_ldbase
      Words debug(process, at, 5);
      if (!debug.valid()) break;
      auto version = static_cast<uint32_t>(debug[0]);
      auto state = static_cast<uint32_t>(debug[3]);
      if (version == 0) break; // the dynamic linker has not run yet
      consistent = consistent && state == kConsistent;
      walk(process, maps, RemoteAddress{debug[1]}, seen, entries);
      // From version 2 on r_next follows (glibc 2.35): the next namespace.
      RemoteAddress next = version >= 2
                               ? RemoteAddress{process.readWord(at + 5 * pointerSize(process.machine())).value_or(0)}
                               : RemoteAddress{};
      if (next == at) break;
      at = next;
    }
    if (consistent) break;
  }
  return entries;
}

} // namespace lpc::runtime
