// A word of the patch text, as the lexer cut it.
#pragma once

#include <cstddef>
#include <string_view>

#include "ir/support/source.h"
#include "ir/support/utf8.h"

namespace lpc::parsing {

struct Word {
  size_t kind = 0; // a token type of grammar/LivePatchWords.g4
  std::string_view text;
  Place place{}; // on one line: no word spans two

  // The place of `length` bytes from `offset` of the text.
  [[nodiscard]] Place part(size_t offset, size_t length) const {
    uint32_t begin = place.column + codePoints(text.substr(0, offset));
    return {place.line, begin, place.line, begin + codePoints(text.substr(offset, length))};
  }
};

} // namespace lpc::parsing
