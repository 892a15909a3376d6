// The format (glibc, sysdeps/generic/dl-cache.h): optionally the old format, "ld.so-1.7.0", kept for libc5's sake;
// then, at a multiple of 8, "glibc-ld.so.cache1.1", a table of entries {flags, name, path, -, hwcap}, and strings.
// Offsets count from the second header. Written by root, but read as hostile all the same: a container brings its own.
#include "frontend/target/ld_cache.h"

#include <algorithm>

#include "frontend/target/elf_image.h"
#include "frontend/target/file_contents.h"
#include "frontend/target/hwcaps.h"

namespace lpc::target {
namespace {

constexpr std::string_view kOldMagic = "ld.so-1.7.0", kMagic = "glibc-ld.so.cache1.1";
constexpr size_t kOldHeader = 16, kOldEntry = 12;
constexpr size_t kHeader = 48, kEntry = 24;
constexpr size_t kLargest = size_t{64} << 20; // real ones have some 100 KB

// Extensions: {magic, count}, then {tag, flags, offset, size} each.
constexpr uint64_t kExtensionMagic = 0xeaa42174, kHwcapsTag = 1;
// In hwcap: the lower half is an index into the extension's names. Other bits are of a scheme that ended with
// glibc 2.33.
constexpr uint64_t kHwcapExtension = uint64_t{1} << 62;

// Flags: the kind of C library and the ABI (glibc, FLAG_ELF_LIBC6 and FLAG_*_LIB*).
uint64_t flagsOf(Machine machine) {
  switch (machine) {
  case Machine::X86_64: return 0x0303;
  case Machine::I386: return 0x0003;
  case Machine::AArch64: return 0x0a03;
  }
  return 0;
}

std::string_view characters(BytesView bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

uint64_t number(BytesView bytes, size_t offset, size_t width) { return loadLittle(bytes.subspan(offset, width)); }

// Where the new format starts.
size_t startOf(BytesView bytes) {
  if (!characters(bytes).starts_with(kOldMagic) || bytes.size() < kOldHeader) return 0;
  size_t end = kOldHeader + number(bytes, 12, 4) * kOldEntry;
  return (end + 7) & ~size_t{7};
}

BytesView hwcapNames(BytesView file) {
  uint64_t at = number(file, 32, 4);
  auto header = at == 0 ? std::nullopt : slice(file, at, 8);
  if (!header || number(*header, 0, 4) != kExtensionMagic) return {};
  for (uint64_t i = 0, count = number(*header, 4, 4); i < count; i++) {
    auto section = slice(file, at + 8 + i * 16, 16);
    if (!section) return {};
    if (number(*section, 0, 4) == kHwcapsTag)
      return slice(file, number(*section, 8, 4), number(*section, 12, 4)).value_or(BytesView{});
  }
  return {};
}

} // namespace

LdCache LdCache::read(const std::string &path) {
  auto contents = FileContents::map(path, path); // which does not wait for a pipe
  if (!contents || contents->view().size() > kLargest) return LdCache(Bytes{});
  return LdCache(Bytes(contents->view().begin(), contents->view().end()));
}

LdCache::LdCache(Bytes bytes) : bytes_(std::move(bytes)) {
  BytesView all = bytes_;
  size_t start = startOf(all);
  auto header = slice(all, start, kHeader);
  if (!header || !characters(*header).starts_with(kMagic)) return;
  auto entries = slice(all.subspan(start), kHeader, number(*header, 20, 4) * kEntry);
  if (!entries) return;
  file_ = all.subspan(start);
  entries_ = *entries;
  hwcaps_ = hwcapNames(file_);
}

std::optional<std::string> LdCache::find(std::string_view name, Machine machine) const {
  const std::vector<std::string_view> usable = usableHwcaps(machine);
  std::optional<std::string> best;
  size_t bestRank = usable.size() + 1;
  for (size_t at = 0; at + kEntry <= entries_.size(); at += kEntry) {
    BytesView entry = entries_.subspan(at, kEntry);
    if (number(entry, 0, 4) != flagsOf(machine)) continue;
    if (stringAt(characters(file_), number(entry, 4, 4), kLongestName) != name) continue;
    auto path = stringAt(characters(file_), number(entry, 8, 4), kLongestName);
    uint64_t hwcap = number(entry, 16, 8);
    size_t rank = usable.size(); // without: the last choice
    if (hwcap & kHwcapExtension) {
      auto offset = slice(hwcaps_, (hwcap & UINT32_MAX) * 4, 4);
      auto variant = offset ? stringAt(characters(file_), loadLittle(*offset), kLongestName) : std::nullopt;
      auto position = variant ? std::ranges::find(usable, *variant) : usable.end();
      if (position == usable.end()) continue;
      rank = static_cast<size_t>(position - usable.begin());
    } else if (hwcap != 0) {
      continue;
    }
    if (path && rank < bestRank) best = *path, bestRank = rank;
  }
  return best;
}

} // namespace lpc::target
