// Strict, and with the place of what is wrong, which the standard library's conversions do not tell.
#include "ir/support/utf8.h"

#include <algorithm>

namespace lpc {

namespace {

uint8_t byteAt(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

bool isAscii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (static_cast<uint8_t>(c) & 0x80) != 0; });
}

// What the first byte says of the rest; the smallest code point that needs this length rules out overlong forms.
struct Lead {
  size_t length;
  uint32_t bits;
  uint32_t smallest;
};

Lead lead(uint8_t byte) {
  if (byte < 0x80) return {1, byte, 0};
  if ((byte & 0xe0) == 0xc0) return {2, byte & 0x1fU, 0x80};
  if ((byte & 0xf0) == 0xe0) return {3, byte & 0x0fU, 0x800};
  if ((byte & 0xf8) == 0xf0) return {4, byte & 0x07U, 0x10000};
  return {0, 0, 0};
}

struct Decoding {
  size_t length; // 0: not UTF-8
  uint32_t point;
};

Decoding decode(std::string_view text) {
  auto [length, point, smallest] = lead(byteAt(text, 0));
  if (length == 0 || length > text.size()) return {0, 0};
  for (size_t i = 1; i < length; i++) {
    uint8_t byte = byteAt(text, i);
    if ((byte & 0xc0) != 0x80) return {0, 0};
    point = point << 6 | (byte & 0x3fU);
  }
  bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < smallest || point > 0x10ffff || surrogate) return {0, 0};
  return {length, point};
}

} // namespace

size_t codePointLength(std::string_view text) { return decode(text).length; }

size_t validPrefix(std::string_view text) {
  if (isAscii(text)) return text.size();
  size_t i = 0;
  while (i < text.size()) {
    size_t length = codePointLength(text.substr(i));
    if (length == 0) break;
    i += length;
  }
  return i;
}

uint32_t codePoints(std::string_view text) {
  auto starts = std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; });
  return static_cast<uint32_t>(starts);
}

} // namespace lpc
