// UTF-8 to code points, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lpc {

// Length in bytes of the code point that `text` starts with; 0 where it starts with none. `text` is not empty.
size_t codePointLength(std::string_view text);

// Offset of the first byte that is not UTF-8; text.size() where all is.
size_t validPrefix(std::string_view text);

// Code points in valid text.
uint32_t codePoints(std::string_view text);

} // namespace lpc
