// Finding executable padding.
//
// A segment ends inside a page, and the rest of that page is mapped with it. Zero bytes at the end of a mapping alone
// prove nothing (a table of zeros may end a segment too), so the end comes from the program headers, and what follows
// must still be zero: non-zero bytes are the next segment's file content, or code that another tool or a killed lpc put
// there. What is a killed lpc's is taken away before (leftovers.h), unless a thread may be in it still.
//
// The page becomes private to the process with the first write and stays so (4 KiB, once, as for a breakpoint); the
// mappings do not change, and the bytes are put back.
#include "runtime/padding.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace lpc::runtime {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMostHeaders = 64;

template <class T> std::optional<T> readAs(const Process &process, RemoteAddress from) {
  T value{};
  if (!process.read(from, std::span(reinterpret_cast<uint8_t *>(&value), sizeof value))) return std::nullopt;
  return value;
}

// The mapping that holds the ELF header of the object that `code` is a part of.
const Mapping *headerOf(const std::vector<Mapping> &maps, const Mapping &code) {
  const Mapping *found = nullptr;
  for (const Mapping &mapping : maps) {
    if (mapping.range.begin > code.range.begin) break;
    if (mapping.offset == 0 && mapping.readable && mapping.path == code.path && mapping.inode == code.inode)
      found = &mapping;
  }
  return found;
}

std::optional<RemoteRange> paddingOf(const Process &process, const std::vector<Mapping> &maps, const Mapping &code) {
  if (!code.executable || !code.readable || code.writable || code.shared || code.path.empty()) return std::nullopt;
  const Mapping *start = headerOf(maps, code);
  if (!start) return std::nullopt;
  auto header = readAs<Elf64_Ehdr>(process, start->range.begin);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > kMostHeaders || header->e_phoff > kPage)
    return std::nullopt;
  std::vector<Elf64_Phdr> segments(header->e_phnum);
  std::span table(reinterpret_cast<uint8_t *>(segments.data()), segments.size() * sizeof(Elf64_Phdr));
  if (!process.read(start->range.begin + header->e_phoff, table)) return std::nullopt;
  for (const Elf64_Phdr &segment : segments) {
    if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) || segment.p_memsz != segment.p_filesz) continue;
    if (segment.p_offset / kPage * kPage != code.offset) continue;
    uint64_t length = segment.p_offset % kPage + segment.p_filesz;
    if (length < segment.p_filesz || length > code.range.size() || code.range.size() - length >= kPage) continue;
    return RemoteRange{code.range.begin + length, code.range.end};
  }
  return std::nullopt;
}

// 0 is best: what can never be unloaded while the program runs.
int rank(const Process &process, const Mapping &mapping) {
  std::string_view path = mapping.path;
  if (path == process.executable()) return 0;
  if (path == "[vdso]") return 1;
  std::string_view file = path.substr(path.rfind('/') + 1);
  return file.starts_with("ld-") || file.starts_with("libc.so") || file.starts_with("libc-") ? 2 : 3;
}

} // namespace

std::vector<RemoteRange> findPadding(const Process &process, const std::vector<Mapping> &maps) {
  struct Ranked {
    int rank;
    RemoteRange range;
  };
  std::vector<Ranked> found;
  for (const Mapping &mapping : maps)
    if (auto range = paddingOf(process, maps, mapping)) found.push_back({rank(process, mapping), *range});
  std::ranges::stable_sort(found, {}, &Ranked::rank);
  std::vector<RemoteRange> ranges;
  for (const Ranked &each : found)
    ranges.push_back(each.range);
  return ranges;
}

std::optional<CodePlace> placeInPadding(const Process &process, const std::vector<RemoteRange> &padding, BytesView code,
                                        bool shareable, RemoteRange taken) {
  for (const RemoteRange &range : padding) {
    Bytes content(range.size());
    if (!process.read(range.begin, content)) continue;
    auto fits = [&](uint64_t offset) {
      RemoteAddress at = range.begin + offset;
      return !taken.overlaps({at, at + code.size()});
    };
    std::optional<CodePlace> free;
    for (uint64_t offset = firstPlace(range); offset + code.size() <= content.size(); offset += kPlaceBorder) {
      BytesView here = BytesView(content).subspan(offset, code.size());
      if (!fits(offset)) continue;
      if (shareable && std::ranges::equal(here, code)) return CodePlace{range.begin + offset, true};
      if (!free && std::ranges::all_of(here, [](uint8_t byte) { return byte == 0; }))
        free = CodePlace{range.begin + offset};
    }
    if (free) return free;
  }
  return std::nullopt;
}

} // namespace lpc::runtime
