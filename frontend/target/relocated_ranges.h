// Which bytes the dynamic linker changes. Internal to frontend/target.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "frontend/target/elf_image.h"

namespace lpc::target {

class RelocatedRanges {
public:
  explicit RelocatedRanges(const ElfImage &image);
  // Is any byte of [address, address + size) relocated?
  [[nodiscard]] bool touch(uint64_t address, uint64_t size) const;

private:
  std::vector<std::pair<uint64_t, uint64_t>> ranges_; // [first, second), sorted, apart from each other
  struct Bitmap { // of a RELR table: word i after `base` is relocated where bit i is set
    uint64_t base = 0, bits = 0;
  };
  std::vector<Bitmap> bitmaps_; // sorted, one for each base
  uint64_t width_;              // of an address
};

} // namespace lpc::target
