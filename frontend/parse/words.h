// Cuts patch text into words as grammar/LivePatchWords.g4 says, by the tables that grammar/compile_words.cpp makes of
// it: the longest word wins, among equals the rule that stands first; each rule has its changes of the lexical mode.
//
// In the place of ANTLR's lexer, which unpacks its tables and builds automata of them in every process anew.
#pragma once

#include <vector>

#include "antlr4-runtime.h"
#include "frontend/parse/word.h"

namespace lpc::parsing {

// What the parser reads. A token's start and stop are bytes of the text, its line and column those of the file (the
// column in code points, from 0). Its text is not to be asked for: there is no ANTLR stream behind it.
class Words : public antlr4::TokenSource {
public:
  // From the start of `text`, which is the start of line `line` of a file. `text` is valid UTF-8 and outlives the
  // words.
  void assign(std::string_view text, size_t line);

  // At the end, again and again, a token of kind EOF.
  std::unique_ptr<antlr4::Token> nextToken() override;

  [[nodiscard]] Word word(const antlr4::Token &token) const;

  [[nodiscard]] size_t getLine() const override { return line_; }
  size_t getCharPositionInLine() override { return column_; }
  antlr4::CharStream *getInputStream() override { return nullptr; }
  std::string getSourceName() override { return "patch"; }
  antlr4::TokenFactory<antlr4::CommonToken> *getTokenFactory() override { return nullptr; }

  // The lexical mode at the end of the last word; 0 is that of a line's start.
  [[nodiscard]] size_t mode() const { return mode_; }

private:
  struct Match {
    size_t end, rule; // the end of the word
  };
  [[nodiscard]] Match longest() const;
  void changeMode(size_t rule);
  std::unique_ptr<antlr4::Token> token(size_t kind, size_t end);

  std::string_view text_;
  size_t position_ = 0, line_ = 1, column_ = 0;
  size_t mode_ = 0;
  std::vector<uint8_t> below_; // modes to come back to
};

} // namespace lpc::parsing
