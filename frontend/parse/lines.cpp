// Cutting a file into lines.
//
// The language ends a statement at the newline "except inside { … }". Of this version's instructions `asm` has a block,
// and one that a later version has must be reported once and not again for every line of its block. A lexical mode
// could skip the block, but not tell cheaply whether it is ever closed: where it is not, only its first line is
// skipped, so that one forgotten `}` does not hide the rest of the file. Hence the table of blocks here: one pass,
// linear in the length of the file, whatever the file holds.
#include "frontend/parse/lines.h"

#include <algorithm>
#include <array>
#include <vector>

#include "ir/support/utf8.h"

namespace lpc::parsing {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kBlanks = " \t\r\f\v"; // as fragment Blank of LivePatchWords.g4

constexpr std::array kInstructions = {
#define LPC_INSTRUCTION(keyword, operands, what) std::string_view(keyword),
#include "ir/instructions.def"
#undef LPC_INSTRUCTION
};

// The run of characters that the lexer takes for the line's first word.
std::string_view firstWordOf(std::string_view line) {
  size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos || line[begin] == '#') return {};
  line.remove_prefix(begin);
  return line.substr(0, line.find_first_of(" \t\r\f\v#"));
}

// Calls visit(offset) for each brace of text[from…] that is not inside a string or a comment. Both end with their line.
template <class Visit> void forEachBrace(std::string_view text, size_t from, Visit visit) {
  bool inString = false, inComment = false;
  for (size_t i = from; i < text.size(); i++) {
    char c = text[i];
    if (c == '\n')
      inString = inComment = false;
    else if (inComment)
      continue;
    else if (inString && c == '\\' && i + 1 < text.size() && text[i + 1] != '\n')
      i++;
    else if (c == '"')
      inString = !inString;
    else if (!inString && c == '#')
      inComment = true;
    else if (!inString && (c == '{' || c == '}'))
      visit(i);
  }
}

std::map<size_t, size_t> matchBraces(std::string_view text, size_t from) {
  std::map<size_t, size_t> blocks;
  std::vector<size_t> open;
  forEachBrace(text, from, [&](size_t brace) {
    if (text[brace] == '{') {
      open.push_back(brace);
    } else if (!open.empty()) {
      blocks.emplace(open.back(), brace + 1);
      open.pop_back();
    }
  });
  return blocks;
}

std::optional<size_t> firstOpenBrace(std::string_view line) {
  std::optional<size_t> found;
  forEachBrace(line, 0, [&](size_t brace) {
    if (!found && line[brace] == '{') found = brace;
  });
  return found;
}

} // namespace

bool isInstruction(std::string_view word) { return std::ranges::find(kInstructions, word) != kInstructions.end(); }

Lines::Lines(std::string_view text) : text_(text) {
  if (text_.starts_with(kByteOrderMark)) position_ = kByteOrderMark.size();
}

size_t Lines::lineEnd(size_t begin) const { return std::min(text_.find('\n', begin), text_.size()); }

std::optional<size_t> Lines::blockEnd(size_t brace) {
  if (!blocks_) blocks_ = matchBraces(text_, brace);
  auto block = blocks_->find(brace);
  return block == blocks_->end() ? std::nullopt : std::optional(block->second);
}

void Lines::findBlock(Line &line) {
  auto brace = firstOpenBrace(text_.substr(line.begin, line.end - line.begin));
  if (!brace) return;
  size_t open = line.begin + *brace;
  if (auto end = blockEnd(open)) {
    line.blockBegin = open + 1;
    line.blockEnd = *end - 1;
    line.end = lineEnd(*end);
  } else {
    line.openBrace = open;
  }
}

std::optional<Line> Lines::next() {
  if (position_ >= text_.size()) return std::nullopt;
  Line line{.number = number_, .begin = position_, .end = lineEnd(position_)};
  std::string_view text = text_.substr(line.begin, line.end - line.begin);
  if (validPrefix(text) != text.size()) {
    line.kind = Line::Kind::BadEncoding;
  } else if (line.firstWord = firstWordOf(text); !line.firstWord.empty()) {
    line.kind = isInstruction(line.firstWord) ? Line::Kind::Statement : Line::Kind::Unknown;
  }
  if (line.kind == Line::Kind::Unknown || line.firstWord == "asm") findBlock(line);
  auto lines = std::count(text_.begin() + static_cast<ptrdiff_t>(line.begin),
                          text_.begin() + static_cast<ptrdiff_t>(line.end), '\n');
  number_ += static_cast<uint32_t>(lines) + 1;
  position_ = line.end + 1;
  return line;
}

} // namespace lpc::parsing
