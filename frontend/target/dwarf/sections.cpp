// Compressed sections are uncompressed whole when first asked for: the compressors' streams have no points to enter at.
// LLVM's DWARFContext and libdw uncompress all debug sections of a file at once, of which we need three or four.
//
// In a relocatable object the linker's work is still to be done: an offset into .debug_str is a relocation against it.
// All of them are "symbol plus addend", and a section's symbol is 0 (ELF x86-64, AArch64 and i386 ABI supplements).
#include "frontend/target/dwarf/sections.h"

#include <elf.h>
#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Compression.h>
#include <llvm/Support/Error.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "frontend/target/elf_image.h"

namespace lpc::target::dwarf {
namespace {

constexpr uint64_t kMostBytes = uint64_t{2} << 30; // of an uncompressed section
constexpr uint64_t kMostRatio = 1100;              // zlib's best is 1032

struct Elf32 {
  using Ehdr = Elf32_Ehdr;
  using Shdr = Elf32_Shdr;
  using Chdr = Elf32_Chdr;
  using Sym = Elf32_Sym;
  using Rel = Elf32_Rel;
  using Rela = Elf32_Rela;
  static uint32_t symbol(uint64_t info) { return static_cast<uint32_t>(info >> 8); }
  static uint32_t type(uint64_t info) { return static_cast<uint32_t>(info & 0xff); }
};
struct Elf64 {
  using Ehdr = Elf64_Ehdr;
  using Shdr = Elf64_Shdr;
  using Chdr = Elf64_Chdr;
  using Sym = Elf64_Sym;
  using Rel = Elf64_Rel;
  using Rela = Elf64_Rela;
  static uint32_t symbol(uint64_t info) { return static_cast<uint32_t>(info >> 32); }
  static uint32_t type(uint64_t info) { return static_cast<uint32_t>(info); }
};

template <class T> std::optional<T> at(BytesView bytes, uint64_t offset) {
  auto part = slice(bytes, offset, sizeof(T));
  if (!part) return std::nullopt;
  T value;
  std::memcpy(&value, part->data(), sizeof value);
  return value;
}

// Bytes that a relocation "symbol plus addend" fills; 0 for those of other kinds.
unsigned widthOf(unsigned machine, uint32_t type) {
  switch (machine) {
  case EM_X86_64: return type == R_X86_64_64 ? 8 : type == R_X86_64_32 || type == R_X86_64_32S ? 4 : 0;
  case EM_AARCH64: return type == R_AARCH64_ABS64 ? 8 : type == R_AARCH64_ABS32 ? 4 : 0;
  case EM_386: return type == R_386_32 ? 4 : 0;
  default: return 0;
  }
}

std::optional<Bytes> uncompressed(BytesView compressed, uint64_t size, bool zstd) {
  if (size > kMostBytes || size / kMostRatio > compressed.size()) return std::nullopt;
  Bytes out(size);
  llvm::ArrayRef<uint8_t> input(compressed.data(), compressed.size());
  size_t written = out.size();
  if (zstd ? !llvm::compression::zstd::isAvailable() : !llvm::compression::zlib::isAvailable()) return std::nullopt;
  llvm::Error error = zstd ? llvm::compression::zstd::decompress(input, out.data(), written)
                           : llvm::compression::zlib::decompress(input, out.data(), written);
  bool failed = static_cast<bool>(error);
  llvm::consumeError(std::move(error));
  if (failed || written != size) return std::nullopt;
  return out;
}

template <class Elf> std::optional<Bytes> uncompressed(BytesView section) {
  auto header = at<typename Elf::Chdr>(section, 0);
  if (!header || (header->ch_type != ELFCOMPRESS_ZLIB && header->ch_type != 2)) return std::nullopt; // 2: ZSTD
  return uncompressed(section.subspan(sizeof(typename Elf::Chdr)), header->ch_size, header->ch_type == 2);
}

// ".zdebug_info", as GNU tools wrote it before the gABI had SHF_COMPRESSED: "ZLIB", the size, big-endian, the stream.
std::optional<Bytes> uncompressedOld(BytesView section) {
  constexpr size_t kHeader = 12;
  if (section.size() < kHeader || std::memcmp(section.data(), "ZLIB", 4) != 0) return std::nullopt;
  uint64_t size = 0;
  for (size_t i = 4; i < kHeader; i++)
    size = size << 8 | section[i];
  return uncompressed(section.subspan(kHeader), size, false);
}

} // namespace

template <class Elf> void Sections::readHeaders() {
  auto header = at<typename Elf::Ehdr>(file_, 0);
  if (!header || header->e_shoff == 0 || header->e_shentsize != sizeof(typename Elf::Shdr)) return;
  machine_ = header->e_machine;
  relocatable_ = header->e_type == ET_REL;
  auto first = at<typename Elf::Shdr>(file_, header->e_shoff);
  if (!first) return;
  uint64_t count = header->e_shnum != 0 ? header->e_shnum : first->sh_size;
  count = std::min<uint64_t>(count, (file_.size() - header->e_shoff) / sizeof(typename Elf::Shdr));
  uint64_t names = header->e_shstrndx == SHN_XINDEX ? first->sh_link : header->e_shstrndx;
  if (names >= count) return;
  auto nameTable = at<typename Elf::Shdr>(file_, header->e_shoff + names * sizeof(typename Elf::Shdr));
  auto bytes = slice(file_, nameTable->sh_offset, nameTable->sh_size);
  if (!bytes) return;
  std::string_view strings(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  headers_.reserve(count);
  for (uint64_t i = 0; i < count; i++) {
    auto section = *at<typename Elf::Shdr>(file_, header->e_shoff + i * sizeof(typename Elf::Shdr));
    headers_.push_back({stringAt(strings, section.sh_name, kLongestName).value_or(""), section.sh_type, section.sh_link,
                        section.sh_info, section.sh_flags, section.sh_offset, section.sh_size});
  }
}

Sections::Sections(BytesView file) : file_(file) {
  if (file.size() < EI_NIDENT || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) return;
  is64_ = file[EI_CLASS] == ELFCLASS64;
  is64_ ? readHeaders<Elf64>() : readHeaders<Elf32>();
}

BytesView Sections::contents(const Header &header) const {
  if (header.type == SHT_NOBITS) return {};
  return slice(file_, header.offset, header.size).value_or(BytesView{});
}

template <class Elf, class Entry> void Sections::apply(Bytes &bytes, const Header &table) const {
  if (table.link >= headers_.size()) return;
  BytesView entries = contents(table), symbols = contents(headers_[table.link]);
  for (uint64_t offset = 0; entries.size() - offset >= sizeof(Entry); offset += sizeof(Entry)) {
    Entry entry = *at<Entry>(entries, offset);
    unsigned width = widthOf(machine_, Elf::type(entry.r_info));
    auto symbol = at<typename Elf::Sym>(symbols, uint64_t{Elf::symbol(entry.r_info)} * sizeof(typename Elf::Sym));
    if (width == 0 || !symbol || entry.r_offset > bytes.size() || width > bytes.size() - entry.r_offset) continue;
    auto place = std::span(bytes).subspan(entry.r_offset, width);
    uint64_t addend = 0;
    if constexpr (requires { entry.r_addend; })
      addend = static_cast<uint64_t>(int64_t{entry.r_addend});
    else
      addend = loadLittle(place);
    storeLittle(place, symbol->st_value + addend);
  }
}

template <class Elf> void Sections::relocate(Bytes &bytes, size_t section) const {
  for (const Header &table : headers_) {
    if (table.info != section) continue;
    if (table.type == SHT_RELA) apply<Elf, typename Elf::Rela>(bytes, table);
    if (table.type == SHT_REL) apply<Elf, typename Elf::Rel>(bytes, table);
  }
}

BytesView Sections::load(const Header &header) {
  BytesView raw = contents(header);
  std::optional<Bytes> made;
  bool old = header.name.starts_with(".zdebug_"), compressed = (header.flags & SHF_COMPRESSED) != 0;
  if (compressed)
    made = is64_ ? uncompressed<Elf64>(raw) : uncompressed<Elf32>(raw);
  else if (old)
    made = uncompressedOld(raw);
  if ((compressed || old) && !made) return {};
  auto index = static_cast<size_t>(&header - headers_.data());
  bool relocated = std::ranges::any_of(headers_, [&](const Header &table) {
    return (table.type == SHT_RELA || table.type == SHT_REL) && table.info == index;
  });
  if (relocatable_ && relocated) {
    if (!made) made = Bytes(raw.begin(), raw.end());
    is64_ ? relocate<Elf64>(*made, index) : relocate<Elf32>(*made, index);
  }
  if (!made) return raw;
  return made_.emplace_back(std::move(*made));
}

BytesView Sections::of(const std::string &name) {
  auto [known, fresh] = known_.try_emplace(name);
  if (!fresh) return known->second;
  for (const Header &header : headers_) {
    bool old =
        header.name.starts_with(".zdebug_") && name.starts_with(".debug_") && header.name.substr(8) == name.substr(7);
    if (header.name == name || old) return known->second = load(header);
  }
  return {};
}

bool Sections::has(std::string_view name) const {
  return std::ranges::any_of(headers_, [&](const Header &header) {
    return header.type != SHT_NOBITS &&
           (header.name == name || (header.name.starts_with(".z") && header.name.substr(2) == name.substr(1)));
  });
}

} // namespace lpc::target::dwarf
