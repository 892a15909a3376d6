// Entries, names and hash tables of symbols (gABI chapter 4; the GNU hash table is described by its authors in
// https://sourceware.org/legacy-ml/binutils/2006-10/msg00377.html and has no other standard).
#include "frontend/target/symbol_table.h"

#include <elf.h>

#include <algorithm>

namespace lpc::target {
namespace {

template <class T> T load(BytesView bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

// The string at `offset` is exactly `name`.
bool nameIs(const SymbolTable &table, uint32_t offset, std::string_view name) {
  return offset < table.strings.size() && table.strings.size() - offset > name.size() &&
         table.strings[offset + name.size()] == '\0' && table.strings.substr(offset, name.size()) == name;
}

uint32_t gnuHashOf(std::string_view name) {
  uint32_t hash = 5381;
  for (char c : name)
    hash = hash * 33 + static_cast<uint8_t>(c);
  return hash;
}

uint32_t sysvHashOf(std::string_view name) {
  uint32_t hash = 0;
  for (char c : name) {
    hash = (hash << 4) + static_cast<uint8_t>(c);
    uint32_t top = hash & 0xf0000000;
    hash = (hash ^ (top >> 24)) & ~top;
  }
  return hash;
}

// Calls found(symbol) for every symbol that the table's chain shows for the hash. Chains end by their own mark or at
// the table's end; they are followed forward only.
template <class F> void followGnu(const GnuHash &table, bool is64, uint32_t hash, F found) {
  // The bloom filter: words of the address width, two bits a name.
  size_t width = is64 ? 64 : 32, words = table.bloom.size() / (width / 8);
  size_t at = (hash / width) & (words - 1);
  uint64_t bits = is64 ? load<uint64_t>(table.bloom, at) : load<uint32_t>(table.bloom, at);
  if (!((bits >> (hash % width)) & (bits >> ((hash >> table.bloomShift) % width)) & 1)) return;
  uint32_t symbol = load<uint32_t>(table.buckets, hash % (table.buckets.size() / 4));
  if (symbol < table.firstHashed) return;
  for (size_t i = symbol - table.firstHashed; i < table.chain.size() / 4; i++) {
    auto entry = load<uint32_t>(table.chain, i);
    if ((entry | 1) == (hash | 1)) found(static_cast<uint32_t>(table.firstHashed + i));
    if (entry & 1) return;
  }
}

// Here chains are links, which could go in circles; no honest one is longer than the table.
template <class F> void followSysv(const SysvHash &table, uint32_t hash, F found) {
  size_t buckets = table.buckets.size() / 4, links = table.chain.size() / 4;
  if (buckets == 0) return;
  uint32_t symbol = load<uint32_t>(table.buckets, hash % buckets);
  for (size_t i = 0; i < links && symbol != STN_UNDEF && symbol < links; i++) {
    found(symbol);
    symbol = load<uint32_t>(table.chain, symbol);
  }
}

} // namespace

std::string_view nameOf(const SymbolTable &table, const SymbolEntry &entry) {
  return stringAt(table.strings, entry.name, kLongestSymbolName).value_or("");
}

VersionedName splitVersion(std::string_view name) {
  size_t at = name.find('@', 1);
  if (at == std::string_view::npos || at + 1 == name.size()) return {.base = name, .version = {}, .isDefault = true};
  bool isDefault = name[at + 1] == '@';
  return {.base = name.substr(0, at), .version = name.substr(at + (isDefault ? 2 : 1)), .isDefault = isDefault};
}

SymbolVersion versionAt(const ElfImage &image, size_t index) {
  const BytesView versions = image.dynsym->versions;
  if (versions.empty()) return {};
  auto word = static_cast<uint16_t>(loadLittle(versions.subspan(index * 2, 2)));
  size_t number = word & 0x7fff;
  if (number == VER_NDX_LOCAL) return {.isLocal = true};
  if (number >= image.versionNames.size() || image.versionNames[number].empty()) return {};
  return {.name = image.versionNames[number], .isDefault = !(word & 0x8000)};
}

std::vector<NameHit> lookUpHashed(const ElfImage &image, std::span<const std::string_view> names) {
  std::vector<NameHit> hits;
  const SymbolTable &table = *image.dynsym;
  for (uint32_t i = 0; i < names.size(); i++) {
    size_t before = hits.size();
    auto found = [&](uint32_t symbol) {
      if (symbol >= table.count() || hits.size() - before >= kMostHits) return;
      SymbolEntry entry = entryAt(table, symbol);
      if (isDefinition(entry) && nameIs(table, entry.name, names[i])) hits.push_back({i, symbol});
    };
    if (image.gnuHash)
      followGnu(*image.gnuHash, image.is64, gnuHashOf(names[i]), found);
    else
      followSysv(*image.sysvHash, sysvHashOf(names[i]), found);
  }
  return hits;
}

std::string_view sourceFileOf(const SymbolTable &table, size_t index) {
  if (index >= table.firstGlobal) return {};
  constexpr size_t kNear =
      4096; // symbols; a file of more is one of many, and then a list of the files is worth its cost
  auto isFile = [&](size_t i) { return entryAt(table, i).type() == STT_FILE; };
  auto name = [&](size_t i) { return stringAt(table.strings, entryAt(table, i).name, kLongestName).value_or(""); };
  if (!table.files)
    for (size_t i = index; i-- > index - std::min(index, kNear);)
      if (isFile(i)) return name(i);
  if (!table.files) {
    table.files.emplace();
    for (size_t i = 0; i < std::min(table.firstGlobal, table.count()); i++)
      if (isFile(i)) table.files->push_back(static_cast<uint32_t>(i));
  }
  auto behind = std::ranges::upper_bound(*table.files, index);
  return behind == table.files->begin() ? std::string_view{} : name(behind[-1]);
}

} // namespace lpc::target
