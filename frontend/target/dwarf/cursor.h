// Reading DWARF's numbers one after the other, never past the end. Internal to frontend/target.
#pragma once

#include <string_view>

#include "ir/support/bytes.h"

namespace lpc::target::dwarf {

// What is read beyond the end is 0, and the cursor is bad from then on.
class Cursor {
public:
  Cursor(BytesView bytes, uint64_t at) : bytes_(bytes), at_(at), good_(at <= bytes.size()) {}

  explicit operator bool() const { return good_; }
  [[nodiscard]] uint64_t at() const { return at_; }

  // Little-endian, of 0 to 8 bytes.
  uint64_t number(unsigned size) {
    if (!has(size)) return 0;
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
      value |= uint64_t{bytes_[at_ + i]} << (8 * i);
    at_ += size;
    return value;
  }
  uint64_t offset(unsigned offsetSize) { return number(offsetSize); }

  // DWARF 5, 7.6. Bits beyond 64 are dropped.
  uint64_t uleb() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (!has(1) || shift > kLongestNumber) return fail(), 0;
      uint8_t byte = bytes_[at_++];
      if (shift < 64) value |= uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) return value;
    }
  }
  int64_t sleb() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (!has(1) || shift > kLongestNumber) return fail(), 0;
      uint8_t byte = bytes_[at_++];
      if (shift < 64) value |= uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) != 0) continue;
      if (shift + 7 < 64 && (byte & 0x40) != 0) value |= UINT64_MAX << (shift + 7);
      return static_cast<int64_t>(value);
    }
  }

  BytesView block(uint64_t size) {
    if (!has(size)) return {};
    BytesView bytes = bytes_.subspan(at_, size);
    at_ += size;
    return bytes;
  }
  void skip(uint64_t size) { block(size); }

  // Up to a NUL, which is passed.
  static constexpr size_t kLongestString = size_t{64} << 10;
  std::string_view string() {
    if (!good_) return {};
    std::string_view rest(reinterpret_cast<const char *>(bytes_.data()) + at_, bytes_.size() - at_);
    size_t end = rest.substr(0, kLongestString).find('\0');
    if (end == std::string_view::npos) return fail(), std::string_view{};
    at_ += end + 1;
    return rest.substr(0, end);
  }

private:
  static constexpr unsigned kLongestNumber = 16 * 7; // bits, with padding

  bool has(uint64_t size) {
    if (good_ && size <= bytes_.size() - at_) return true;
    fail();
    return false;
  }
  void fail() { good_ = false; }

  BytesView bytes_;
  uint64_t at_;
  bool good_;
};

} // namespace lpc::target::dwarf
