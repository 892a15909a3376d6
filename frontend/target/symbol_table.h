// Reading entries of a symbol table in place, and looking names up in it. Internal to frontend/target.
#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "frontend/target/elf_image.h"
#include "frontend/target/file_contents.h"

namespace lpc::target {

// An Elf32_Sym or Elf64_Sym in numbers of the host.
struct SymbolEntry {
  uint32_t name = 0;
  uint8_t info = 0;
  uint16_t section = 0;
  uint64_t value = 0, size = 0;
  [[nodiscard]] unsigned type() const { return info & 0xf; }
  [[nodiscard]] unsigned binding() const { return info >> 4; }
};

// `index` is below table.count(). Inline, as the next one: they are called a million times in a row.
inline SymbolEntry entryAt(const SymbolTable &table, size_t index) {
  const uint8_t *raw = table.entries.data() + index * table.entrySize();
  auto load = [raw]<class T>(size_t offset, T) {
    T value;
    std::memcpy(&value, raw + offset, sizeof value);
    return value;
  };
  constexpr uint32_t k32 = 0;
  constexpr uint64_t k64 = 0;
  constexpr uint16_t k16 = 0;
  // gABI chapter 4: st_name, st_info, st_other, st_shndx, st_value, st_size; in 32-bit files value and size come
  // second.
  if (table.is64) return {load(0, k32), raw[4], load(6, k16), load(8, k64), load(16, k64)};
  return {load(0, k32), raw[12], load(14, k16), load(4, k32), load(8, k32)};
}

inline constexpr unsigned kFileSymbol = 4; // STT_FILE
// Something that a patch can name: not undefined, no section or file symbol, not nameless.
inline bool isDefinition(const SymbolEntry &entry) {
  constexpr uint16_t kUndefined = 0; // SHN_UNDEF
  constexpr unsigned kSection = 3;   // STT_SECTION
  return entry.section != kUndefined && entry.name != 0 && entry.type() != kSection && entry.type() != kFileSymbol;
}

// Its whole name; empty where there is none.
std::string_view nameOf(const SymbolTable &table, const SymbolEntry &entry);

// "memcpy@@GLIBC_2.14": linkers write versions into the names of .symtab, too. A lone name has no version.
struct VersionedName {
  std::string_view base, version;
  bool isDefault = true; // `@@`, or no version
};
VersionedName splitVersion(std::string_view name);

// What .gnu.version says of a symbol of .dynsym (Symbol Versioning, LSB 5 core, chapter 10.7): 0 is local, 1 is global
// without version, others have a name; the top bit marks versions that are not the default one.
struct SymbolVersion {
  std::string_view name{}; // "" where it has none
  bool isLocal = false, isDefault = true;
};
SymbolVersion versionAt(const ElfImage &image, size_t index);

// Symbol `symbol` of a table has the name `names[name]` (without version).
struct NameHit {
  uint32_t name = 0;
  uint32_t symbol = 0;
};

// By name (then by symbol): at most kMostHits of one, and kMostClones (compilers make a handful).
inline constexpr size_t kMostHits = 16384, kMostClones = 256;
struct FoundNames {
  std::vector<NameHit> names;
  std::vector<NameHit> clones; // whose name is that and what a compiler adds to the name of a part or a copy
};

// All defined symbols of the table whose name, without its version, is one of `names` (none of them twice): by going
// once through the strings and once through the symbols, in the order of the file. `contents` may drop the pages
// behind.
FoundNames scanForNames(const SymbolTable &table, std::span<const std::string_view> names,
                        const FileContents &contents);

// Where names of symbols may start in table.strings, with the name that they stand for.
struct StringHit {
  uint32_t offset = 0;
  uint32_t name = 0;
  auto operator<=>(const StringHit &) const = default;
};
// The defined symbols whose names start at one of the `strings`. Makes table.files by the way.
std::vector<NameHit> scanForStrings(const SymbolTable &table, std::vector<StringHit> strings,
                                    const FileContents &contents);

// The same as scanForNames, but for clones, for .dynsym, through its hash table; it must have one.
std::vector<NameHit> lookUpHashed(const ElfImage &image, std::span<const std::string_view> names);

// The source file of a local symbol: the STT_FILE symbol before it; "" where there is none, and for globals.
std::string_view sourceFileOf(const SymbolTable &table, size_t index);

} // namespace lpc::target
