// What an ELF file says of itself, read once and checked: every view lies inside the file, every string table ends
// with a NUL, every count fits its table. Internal to frontend/target; the users of ElfFile see none of it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/target/elf_file.h"

namespace lpc::target {

// Longest name of a symbol that we look at, in bytes. Longer ones are as good as nameless; without a limit, a file
// whose symbols all point into one huge string would make us copy it a million times.
inline constexpr size_t kLongestSymbolName = size_t{256} << 10;
// Longest path, soname, section name or version.
inline constexpr size_t kLongestName = 4096;

// .symtab or .dynsym.
struct SymbolTable {
  BytesView entries;        // Elf32_Sym or Elf64_Sym each
  std::string_view strings; // empty, or ends with a NUL
  size_t firstGlobal = 0;   // sh_info: symbols below it are local; 0 for .dynsym found without section headers
  bool is64 = false;
  BytesView versions; // .gnu.version, a uint16 for each symbol; may be empty (.symtab always)
  mutable std::optional<std::vector<uint32_t>> files{}; // its STT_FILE symbols, in order; made when needed
  [[nodiscard]] size_t entrySize() const { return is64 ? 24 : 16; }
  [[nodiscard]] size_t count() const { return entries.size() / entrySize(); }
};

// DT_GNU_HASH: header words, bloom filter, buckets, and the chain words of the symbols from `firstHashed` on.
struct GnuHash {
  uint32_t firstHashed = 0, bloomShift = 0;
  BytesView bloom, buckets, chain;
};
// DT_HASH.
struct SysvHash {
  BytesView buckets, chain;
};

struct RelocationTable {
  enum class Form : uint8_t { Rela, Rel, Relr };
  Form form{};
  BytesView entries;
};

struct ElfImage {
  BytesView contents;
  Machine machine{};
  bool is64 = false;
  uint16_t type = 0;
  bool debugOnly = false; // a separate debug file: what is loaded at run time has no bytes here
  std::vector<Segment> segments;
  std::vector<Section> sections;
  Bytes buildId;
  std::string soname, interpreter, runpath, rpath;
  std::vector<std::string> needed;
  bool noDefaultLibraries = false; // DF_1_NODEFLIB
  std::optional<SymbolTable> symtab, dynsym;
  std::vector<std::string_view> versionNames; // by version index; "" where there is none
  std::optional<GnuHash> gnuHash;
  std::optional<SysvHash> sysvHash;
  std::vector<RelocationTable> relocations; // those that the dynamic linker applies
  std::optional<std::pair<std::string, uint32_t>> debugLink;
};

// `contents` must outlive the image. NotElf, UnsupportedMachine; `name` is how messages call the file.
Result<ElfImage> readElfImage(BytesView contents, const std::string &name);

// The part of it that stands in PT_DYNAMIC, `dynamic` being its bytes (dynamic_section.cpp). `dynsymCount`: the number
// of symbols by the section headers, where the file has them. The error is why the file is damaged.
std::expected<void, std::string> readDynamicSection(ElfImage &image, BytesView dynamic,
                                                    std::optional<std::pair<uint64_t, uint64_t>> dynsymCount);

// --- checked views ------------------------------------------------------------------------------------------------

// bytes[offset, offset + size); nothing where it is not all inside.
std::optional<BytesView> slice(BytesView bytes, uint64_t offset, uint64_t size);
// The bytes of the file that are loaded at the address; nothing where they are not all in the file part of one segment.
std::optional<BytesView> loadedBytes(const ElfImage &image, uint64_t address, uint64_t size);
// … to the end of that segment's file part.
std::optional<BytesView> loadedBytesFrom(const ElfImage &image, uint64_t address);
// The string at `offset`; nothing where there is none, or it is longer than `longest`.
std::optional<std::string_view> stringAt(std::string_view strings, uint64_t offset, size_t longest);

} // namespace lpc::target
