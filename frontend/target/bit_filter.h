// A set of hashed numbers that answers "certainly not in it" from one bit. Internal to frontend/target.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace lpc::target {

class BitFilter {
public:
  // For about `count` numbers: 32 bits each, so that one in 32 others passes by mistake; at least 8 KiB of bits.
  explicit BitFilter(size_t count) {
    size_t size = std::bit_ceil(std::max<size_t>(count * 32, size_t{1} << 16));
    shift_ = 64 - std::countr_zero(size);
    bits_.resize(size / 64);
  }
  void add(uint64_t number) { bits_[hash(number) / 64] |= uint64_t{1} << (hash(number) % 64); }
  [[nodiscard]] bool mayHave(uint64_t number) const { return (bits_[hash(number) / 64] >> (hash(number) % 64)) & 1; }

private:
  [[nodiscard]] size_t hash(uint64_t number) const { return (number * 0x9e3779b97f4a7c15) >> shift_; }
  int shift_ = 0;
  std::vector<uint64_t> bits_;
};

} // namespace lpc::target
