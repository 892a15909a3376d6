// The lines of a patch file, found before ANTLR sees them: what is wrong in one line must not reach the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

namespace lpc::parsing {

struct Line {
  enum class Kind : uint8_t {
    Blank,       // nothing, or a comment
    Statement,   // starts with an instruction
    Unknown,     // starts with another word; with its `{ … }` block, which may span lines
    BadEncoding, // not UTF-8
  };
  Kind kind = Kind::Blank;
  uint32_t number = 0;        // of the first line, from 1
  size_t begin = 0, end = 0;  // bytes; the newline is not inside
  std::string_view firstWord; // empty for Blank and BadEncoding
  // Of `asm`: the first byte between the braces, and the one behind the last. 0: there is no block, or it is not
  // closed.
  size_t blockBegin = 0, blockEnd = 0;
  size_t openBrace = 0; // `asm`: the brace of a block that is never closed
};

// Is `word` an instruction of ir/instructions.def?
bool isInstruction(std::string_view word);

class Lines {
public:
  explicit Lines(std::string_view text); // a byte order mark at the start is skipped
  std::optional<Line> next();

private:
  [[nodiscard]] size_t lineEnd(size_t begin) const;
  void findBlock(Line &line);
  std::optional<size_t> blockEnd(size_t brace);

  std::string_view text_;
  size_t position_ = 0;
  uint32_t number_ = 1;
  std::optional<std::map<size_t, size_t>> blocks_; // `{` to the byte behind its `}`; made when first needed
};

} // namespace lpc::parsing
