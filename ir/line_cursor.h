// Reads a line-based text word by word, for text_parse.cpp. The input may be hostile.
//
// The first error sticks: after it every reader gives an empty result at once and the text is at its end, so that
// a parser needs no check after each step and still says what was wrong first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::ir {

class LineCursor {
public:
  // `text` must outlive the cursor.
  explicit LineCursor(std::string_view text) : rest_(text) {}

  // Each goes to the next line if it is of the kind, and says whether. Empty lines and comments are skipped.
  bool nextHead();  // begins at the margin
  bool nextField(); // is indented, and no continuation
  bool nextBytes(); // is a continuation, `| …`; the bar is read
  // Is there no further line?
  bool atEnd();
  // The next line as it stands, comments not skipped; nothing at the end.
  std::optional<std::string_view> rawLine();

  // What the readers take stands behind any number of blanks. Those that need something fail where it is missing.
  bool take(std::string_view token); // true when it stood there
  void expect(std::string_view token);
  std::string_view word();        // [A-Za-z0-9_-]+
  std::string string();           // in double quotes, as quoted() writes it
  uint64_t number(uint64_t most); // decimal
  uint64_t hexNumber();           // 0x…
  int64_t displacement();         // +N or -N; 0 where there is none
  void appendHex(Bytes &out);     // digits in pairs, at least one pair
  void lineEnd();                 // fails where something is left on the line

  // Fails at the current column, or at the start of the current line.
  void fail(std::string message);
  void failLine(std::string message);
  [[nodiscard]] const std::optional<Error> &error() const { return error_; }

private:
  bool peek();
  bool go();
  void blanks();
  std::string_view digits(bool (*accept)(char));
  void failAt(size_t column, std::string message);

  std::string_view rest_; // behind the current line
  std::string_view next_; // the next line, where peek() has found one
  size_t nextEnd_ = 0;    // its length with the newline, in rest_
  std::string_view line_; // the current line
  size_t at_ = 0;         // in line_
  uint32_t lineNumber_ = 0, nextNumber_ = 0;
  bool peeked_ = false;
  std::optional<Error> error_;
};

// A word of the input inside a message: never longer than a few words.
std::string shown(std::string_view text);

} // namespace lpc::ir
