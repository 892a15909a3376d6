// RELA and REL tables hold places one by one; RELR (gABI, "Relative relocation table") is a list of even words, each an
// address, and odd words, each a bitmap of the words that follow. Bitmaps are kept as they are, so that no table
// becomes larger than twice its size in the file.
#include "frontend/target/relocated_ranges.h"

#include <elf.h>

#include <algorithm>

#include "frontend/target/symbol_table.h"

namespace lpc::target {
namespace {

struct Place {
  uint64_t offset = 0;
  uint32_t type = 0, symbol = 0;
};

Place placeAt(const ElfImage &image, BytesView entry) {
  if (image.is64) {
    uint64_t info = loadLittle(entry.subspan(8, 8));
    return {loadLittle(entry.first(8)), static_cast<uint32_t>(ELF64_R_TYPE(info)),
            static_cast<uint32_t>(ELF64_R_SYM(info))};
  }
  auto info = static_cast<uint32_t>(loadLittle(entry.subspan(4, 4)));
  return {loadLittle(entry.first(4)), ELF32_R_TYPE(info), ELF32_R_SYM(info)};
}

// Bytes that a relocation changes (psABI of each machine): an address, but for these.
uint64_t widthOf(const ElfImage &image, const Place &place) {
  auto symbolSize = [&]() -> uint64_t {
    if (!image.dynsym || place.symbol >= image.dynsym->count()) return 1;
    return std::max<uint64_t>(entryAt(*image.dynsym, place.symbol).size, 1);
  };
  switch (image.machine) {
  case Machine::X86_64:
    switch (place.type) {
    case R_X86_64_NONE: return 0;
    case R_X86_64_COPY: return symbolSize();
    case R_X86_64_TLSDESC: return 16;
    case R_X86_64_32:
    case R_X86_64_32S:
    case R_X86_64_PC32:
    case R_X86_64_PLT32: return 4;
    case R_X86_64_16:
    case R_X86_64_PC16: return 2;
    case R_X86_64_8:
    case R_X86_64_PC8: return 1;
    default: return 8;
    }
  case Machine::I386:
    switch (place.type) {
    case R_386_NONE: return 0;
    case R_386_COPY: return symbolSize();
    case R_386_TLS_DESC: return 8;
    default: return 4;
    }
  case Machine::AArch64:
    switch (place.type) {
    case R_AARCH64_NONE: return 0;
    case R_AARCH64_COPY: return symbolSize();
    case R_AARCH64_TLSDESC: return 16;
    case R_AARCH64_ABS32:
    case R_AARCH64_PREL32: return 4;
    default: return 8;
    }
  }
  return 8;
}

} // namespace

RelocatedRanges::RelocatedRanges(const ElfImage &image) : width_(image.is64 ? 8 : 4) {
  for (const RelocationTable &table : image.relocations) {
    size_t size = static_cast<size_t>(width_);
    if (table.form == RelocationTable::Form::Relr) {
      uint64_t next = 0;
      for (size_t at = 0; at + size <= table.entries.size(); at += size) {
        uint64_t word = loadLittle(table.entries.subspan(at, size));
        if (word & 1) {
          bitmaps_.push_back({next, word >> 1});
          next += (width_ * 8 - 1) * width_;
        } else {
          bitmaps_.push_back({word, 1});
          next = word + width_;
        }
      }
      continue;
    }
    size *= table.form == RelocationTable::Form::Rela ? 3 : 2;
    for (size_t at = 0; at + size <= table.entries.size(); at += size) {
      Place place = placeAt(image, table.entries.subspan(at, size));
      uint64_t end = place.offset + widthOf(image, place);
      ranges_.emplace_back(place.offset, end < place.offset ? UINT64_MAX : end);
    }
  }

  std::ranges::sort(ranges_);
  size_t kept = 0;
  for (auto [begin, end] : ranges_) {
    if (begin == end) continue;
    if (kept > 0 && begin <= ranges_[kept - 1].second)
      ranges_[kept - 1].second = std::max(ranges_[kept - 1].second, end);
    else
      ranges_[kept++] = {begin, end};
  }
  ranges_.resize(kept);

  std::ranges::sort(bitmaps_, {}, &Bitmap::base);
  kept = 0;
  for (Bitmap bitmap : bitmaps_) {
    if (kept > 0 && bitmap.base == bitmaps_[kept - 1].base)
      bitmaps_[kept - 1].bits |= bitmap.bits;
    else
      bitmaps_[kept++] = bitmap;
  }
  bitmaps_.resize(kept);
}

bool RelocatedRanges::touch(uint64_t address, uint64_t size) const {
  if (size == 0) return false;
  uint64_t last = address + (size - 1) < address ? UINT64_MAX : address + (size - 1);
  // The first range that ends behind `address`.
  auto range = std::ranges::upper_bound(ranges_, address, {}, &std::pair<uint64_t, uint64_t>::second);
  if (range != ranges_.end() && range->first <= last) return true;
  // A bitmap reaches 64 words at most behind its base.
  uint64_t reach = 64 * width_;
  auto bitmap = std::ranges::lower_bound(bitmaps_, address > reach ? address - reach : 0, {}, &Bitmap::base);
  for (; bitmap != bitmaps_.end() && bitmap->base <= last; ++bitmap)
    for (uint64_t i = 0, bits = bitmap->bits; bits; i++, bits >>= 1) {
      uint64_t word = bitmap->base + i * width_;
      if ((bits & 1) && word >= bitmap->base && word <= last && word + (width_ - 1) >= address) return true;
    }
  return false;
}

} // namespace lpc::target
