// The readers of the text form. No locale, no exceptions, no recursion.
#include "ir/line_cursor.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace lpc::ir {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isHexDigit(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool isWordCharacter(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

std::string_view trimmedLeft(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(' '), text.size()));
}

} // namespace

std::string shown(std::string_view text) {
  constexpr size_t kMost = 40;
  return "`" + std::string(text.substr(0, kMost)) + (text.size() > kMost ? "…`" : "`");
}

// --- lines ----------------------------------------------------------------------------------------------------

std::optional<std::string_view> LineCursor::rawLine() {
  if (rest_.empty()) return std::nullopt;
  size_t end = std::min(rest_.find('\n'), rest_.size());
  line_ = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  at_ = 0;
  lineNumber_++;
  nextNumber_ = lineNumber_;
  return line_;
}

// Finds the next line that says something.
bool LineCursor::peek() {
  if (peeked_) return true;
  while (!rest_.empty()) {
    size_t end = std::min(rest_.find('\n'), rest_.size());
    next_ = rest_.substr(0, end);
    nextEnd_ = std::min(end + 1, rest_.size());
    nextNumber_++;
    std::string_view content = trimmedLeft(next_);
    if (!content.empty() && content.front() != '#') return peeked_ = true;
    rest_.remove_prefix(nextEnd_);
  }
  return false;
}

bool LineCursor::go() {
  line_ = next_;
  at_ = 0;
  lineNumber_ = nextNumber_;
  rest_.remove_prefix(nextEnd_);
  peeked_ = false;
  return true;
}

bool LineCursor::nextHead() { return peek() && next_.front() != ' ' && go(); }

bool LineCursor::nextField() { return peek() && next_.front() == ' ' && trimmedLeft(next_).front() != '|' && go(); }

bool LineCursor::nextBytes() {
  if (!peek() || next_.front() != ' ' || trimmedLeft(next_).front() != '|') return false;
  go();
  expect("|");
  return true;
}

bool LineCursor::atEnd() { return !peek(); }

// --- errors ---------------------------------------------------------------------------------------------------

void LineCursor::failAt(size_t column, std::string message) {
  if (error_) return;
  // Columns count code points: bytes that do not continue a UTF-8 sequence.
  auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  std::string_view before = line_.substr(0, column);
  auto number = static_cast<uint32_t>(
      std::min<ptrdiff_t>(std::ranges::count_if(before, begins), std::numeric_limits<uint32_t>::max() - 2) + 1);
  error_ = Error{.id = DiagnosticId::BadIr,
                 .message = std::to_string(lineNumber_) + ":" + std::to_string(number) + ": " + std::move(message),
                 .place = {lineNumber_, number, lineNumber_, number + 1}};
  rest_ = next_ = line_ = {};
  at_ = 0;
  peeked_ = false;
}

void LineCursor::fail(std::string message) { failAt(at_, std::move(message)); }
void LineCursor::failLine(std::string message) { failAt(0, std::move(message)); }

// --- parts of a line ------------------------------------------------------------------------------------------

void LineCursor::blanks() {
  while (at_ < line_.size() && line_[at_] == ' ')
    at_++;
}

bool LineCursor::take(std::string_view token) {
  blanks();
  if (!line_.substr(at_).starts_with(token)) return false;
  at_ += token.size();
  return true;
}

void LineCursor::expect(std::string_view token) {
  if (!take(token)) fail("expected " + shown(token));
}

std::string_view LineCursor::digits(bool (*accept)(char)) {
  size_t end = at_;
  while (end < line_.size() && accept(line_[end]))
    end++;
  std::string_view out = line_.substr(at_, end - at_);
  at_ = end;
  return out;
}

std::string_view LineCursor::word() {
  blanks();
  std::string_view out = digits(isWordCharacter);
  if (out.empty()) fail("expected a word");
  return out;
}

std::string LineCursor::string() {
  std::string out;
  if (!take("\"")) {
    fail("expected a text in double quotes");
    return out;
  }
  while (at_ < line_.size() && line_[at_] != '"') {
    char c = line_[at_++];
    if (c != '\\') {
      out += c;
      continue;
    }
    char kind = at_ < line_.size() ? line_[at_] : '\0';
    constexpr std::string_view kEscapes = "ntr\\\"", kMeanings = "\n\t\r\\\"";
    std::optional<Bytes> byte = kind == 'x' ? fromHex(line_.substr(at_ + 1, 2)) : std::nullopt;
    if (size_t i = kEscapes.find(kind); i != std::string_view::npos)
      out += kMeanings[i];
    else if (byte && byte->size() == 1)
      out += static_cast<char>((*byte)[0]);
    else {
      fail("no escape of a text: \\n \\t \\r \\\\ \\\" \\xHH");
      return {};
    }
    at_ += kind == 'x' ? 3 : 1;
  }
  if (!take("\"")) fail("the text has no closing double quote");
  return out;
}

uint64_t LineCursor::number(uint64_t most) {
  blanks();
  size_t start = at_;
  std::string_view text = digits(isDigit);
  uint64_t value = 0;
  auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty())
    fail("expected a number");
  else if (result.ec != std::errc{} || value > most) {
    at_ = start;
    fail("the number is greater than " + std::to_string(most));
    return 0;
  }
  return value;
}

uint64_t LineCursor::hexNumber() {
  blanks();
  size_t start = at_;
  expect("0x");
  std::string_view text = digits(isHexDigit);
  uint64_t value = 0;
  auto result = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty())
    fail("expected hexadecimal digits");
  else if (result.ec != std::errc{}) {
    at_ = start;
    fail("the number has more than 64 bits");
    return 0;
  }
  return value;
}

int64_t LineCursor::displacement() {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (take("+")) return static_cast<int64_t>(number(kMost));
  if (take("-")) return static_cast<int64_t>(0 - number(kMost + 1));
  return 0;
}

void LineCursor::appendHex(Bytes &out) {
  blanks();
  std::string_view text = digits(isHexDigit);
  std::optional<Bytes> bytes = fromHex(text);
  if (text.empty() || !bytes) return fail("expected hexadecimal digits in pairs");
  out.insert(out.end(), bytes->begin(), bytes->end());
}

void LineCursor::lineEnd() {
  blanks();
  if (at_ != line_.size()) fail("expected the end of the line");
}

} // namespace lpc::ir
