// Bytes: the currency between files, plans and processes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lpc {

using Bytes = std::vector<uint8_t>;
using BytesView = std::span<const uint8_t>;

// "f30f1efa": lower case, no blanks.
std::string toHex(BytesView bytes);
// "f3 0f 1e fa": for people; at most `limit` bytes, then " …".
std::string toSpacedHex(BytesView bytes, size_t limit = 16);
// The inverse of toHex; nothing where a character is no hexadecimal digit or the count is odd.
std::optional<Bytes> fromHex(std::string_view digits);

// Little-endian stores and loads of `width` (1, 2, 4, 8) bytes. All machines that lpc supports are little-endian.
void appendLittle(Bytes &out, uint64_t value, unsigned width);
void storeLittle(std::span<uint8_t> out, uint64_t value); // out.size() is the width
uint64_t loadLittle(BytesView bytes);                     // bytes.size() <= 8 is the width

inline BytesView asBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

} // namespace lpc
