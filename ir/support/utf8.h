// UTF-8 to code points, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lpc {

// Length in bytes of the code point that `text` starts with; 0 where it starts with none. `text` is not empty.
size_t codePointLength(std::string_view text);

// Offset of the first byte that is not UTF-8; text.size() where all is.
size_t validPrefix(std::string_view text);

// Code points in valid text.
uint32_t codePoints(std::string_view text);

// Valid text as code points, with the way back: byte `offset(i)` is where code point i starts (i <= points().size()).
class Decoded {
public:
  void assign(std::string_view text);
  [[nodiscard]] const std::u32string &points() const { return points_; }
  [[nodiscard]] size_t offset(size_t index) const { return offsets_.empty() ? index : offsets_[index]; }

private:
  std::u32string points_;
  std::vector<uint32_t> offsets_; // empty for pure ASCII, which nearly all patches are
};

} // namespace lpc
