// ELF-64 alone (gABI, "Relocation"; RELR: gABI 2018, "Relative Relocation Table"), as the machine is. Tables of a
// process are data that nobody has checked: bounded, and read only inside of the object.
#include "runtime/relocated.h"

#include <elf.h>

#include <algorithm>

namespace lpc::runtime {
namespace {

constexpr uint64_t kWord = 8, kMostTable = 64 << 20;

class Places {
public:
  Places(const Process &process, const ElfMemory &object) : process_(process), object_(object) {}

  void addRela(int64_t table, int64_t size) {
    Bytes bytes = read(table, size);
    for (size_t at = 0; at + sizeof(Elf64_Rela) <= bytes.size(); at += sizeof(Elf64_Rela))
      add(loadLittle(BytesView(bytes).subspan(at, kWord))); // r_offset comes first
  }

  // An even entry is an address; an odd one a map of the 63 words behind the last.
  void addRelr() {
    Bytes bytes = read(DT_RELR, DT_RELRSZ);
    uint64_t next = 0;
    for (size_t at = 0; at + kWord <= bytes.size(); at += kWord) {
      uint64_t entry = loadLittle(BytesView(bytes).subspan(at, kWord));
      if ((entry & 1) == 0) {
        add(entry);
        next = entry + kWord;
        continue;
      }
      for (unsigned bit = 1; bit < 64; bit++)
        if ((entry >> bit) & 1) add(next + (bit - 1) * kWord);
      next += 63 * kWord;
    }
  }

  std::vector<RemoteRange> take() {
    std::ranges::sort(found_, {}, &RemoteRange::begin);
    std::vector<RemoteRange> merged;
    for (const RemoteRange &range : found_)
      if (!merged.empty() && range.begin <= merged.back().end)
        merged.back().end = std::max(merged.back().end, range.end);
      else
        merged.push_back(range);
    return merged;
  }

private:
  // Some dynamic linkers turn the link addresses of their tables into addresses.
  [[nodiscard]] Bytes read(int64_t table, int64_t size) const {
    auto at = object_.dynamicEntry(table), length = object_.dynamicEntry(size);
    if (!at || !length || *length > kMostTable) return {};
    RemoteAddress begin{*at};
    if (!object_.range().contains(begin)) begin = object_.bias().of({*at});
    if (!object_.range().contains(begin) || *length > object_.range().end - begin) return {};
    return process_.read(begin, *length).value_or(Bytes());
  }

  void add(uint64_t linkAddress) {
    RemoteAddress at = object_.bias().of({linkAddress});
    if (object_.range().contains(at)) found_.push_back({at, at + kWord});
  }

  const Process &process_;
  const ElfMemory &object_;
  std::vector<RemoteRange> found_;
};

} // namespace

std::vector<RemoteRange> relocatedPlaces(const Process &process, const ElfMemory &object) {
  Places places(process, object);
  places.addRela(DT_RELA, DT_RELASZ);
  places.addRela(DT_JMPREL, DT_PLTRELSZ);
  places.addRelr();
  return places.take();
}

} // namespace lpc::runtime
