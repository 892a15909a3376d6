// One table look-up for the class of a character, one for the next state. The generator has proved that in every mode
// every character begins a word, so there is always a match, and that a word is never empty.
#include "frontend/parse/words.h"

#include <algorithm>

#include "WordTables.h"
#include "ir/support/result.h"

namespace lpc::parsing {

namespace {

using namespace grammar::words;

struct CodePoint {
  char32_t value;
  size_t length;
};

// `text` is valid, and starts with a byte of 0x80 or more.
CodePoint wide(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t length = byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  char32_t value = byte(0) & (0x7fU >> length);
  for (size_t i = 1; i < length; i++)
    value = value << 6 | (byte(i) & 0x3fU);
  return {value, length};
}

size_t classOf(char32_t point) {
  const auto *behind = std::ranges::upper_bound(kWideClass, point, {}, &Range::first);
  return std::prev(behind)->kind;
}

} // namespace

void Words::assign(std::string_view text, size_t line) {
  text_ = text;
  position_ = 0;
  line_ = line;
  column_ = 0;
  mode_ = 0;
  below_.clear();
}

Words::Match Words::longest() const {
  Match match{position_, 0};
  size_t state = kStart[mode_];
  for (size_t at = position_; at < text_.size();) {
    auto first = static_cast<unsigned char>(text_[at]);
    if (first < 0x80) {
      state = kNext[state][kAsciiClass[first]];
      at++;
    } else {
      CodePoint point = wide(text_.substr(at));
      state = kNext[state][classOf(point.value)];
      at += point.length;
    }
    if (state == 0) break;
    if (kAccepts[state] != 0) match = {at, size_t{kAccepts[state]} - 1};
  }
  LPC_CHECK(match.end > position_);
  return match;
}

void Words::changeMode(size_t rule) {
  for (size_t i = 0; i < kRules[rule].changes; i++) {
    const Change &change = kChanges[kRules[rule].firstChange + i];
    switch (change.what) {
    case ModeChange::Set: mode_ = change.mode; break;
    case ModeChange::Push:
      below_.push_back(static_cast<uint8_t>(mode_));
      mode_ = change.mode;
      break;
    case ModeChange::Pop:
      LPC_CHECK(!below_.empty());
      mode_ = below_.back();
      below_.pop_back();
      break;
    }
  }
}

std::unique_ptr<antlr4::Token> Words::token(size_t kind, size_t end) {
  auto out =
      std::make_unique<antlr4::CommonToken>(std::pair<antlr4::TokenSource *, antlr4::CharStream *>(this, nullptr), kind,
                                            antlr4::Token::DEFAULT_CHANNEL, position_, end - 1);
  out->setLine(line_);
  out->setCharPositionInLine(column_);
  return out;
}

std::unique_ptr<antlr4::Token> Words::nextToken() {
  while (position_ < text_.size()) {
    auto [end, rule] = longest();
    std::unique_ptr<antlr4::Token> out;
    if (!kRules[rule].skipped) out = token(kRules[rule].type, end);
    if (text_[position_] == '\n') { // a word of its own in every mode
      line_++;
      column_ = 0;
    } else {
      column_ += codePoints(text_.substr(position_, end - position_));
    }
    position_ = end;
    changeMode(rule);
    if (out) return out;
  }
  return token(antlr4::Token::EOF, position_);
}

Word Words::word(const antlr4::Token &token) const {
  Word out{.kind = token.getType()};
  auto line = static_cast<uint32_t>(token.getLine());
  auto column = static_cast<uint32_t>(token.getCharPositionInLine()) + 1;
  out.place = {line, column, line, column};
  size_t begin = token.getStartIndex(), end = token.getStopIndex() + 1;
  if (token.getType() == antlr4::Token::EOF || begin >= end) return out;
  out.text = text_.substr(begin, end - begin);
  out.place.endColumn = column + codePoints(out.text);
  return out;
}

} // namespace lpc::parsing
