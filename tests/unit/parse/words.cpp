// Words by the tables are those of ANTLR's own lexer, one by one: kind, bytes, place, mode.
//
// And the end of a line is NEWLINE in every lexical mode: a mode that takes it for another word would only cost time,
// for the parser then falls back to one line at a time.
#include "frontend/parse/words.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include "LivePatchWords.h"
#include "frontend/ast/print.h"
#include "tests/unit/parse/parse_helpers.h"
#include "tests/unit/parse/random_statements.h"

namespace lpc::test {
namespace {

using grammar::LivePatchWords;
using parsing::Words;

// The byte that each code point of valid text starts at, and its end.
std::vector<size_t> offsetsOf(const std::string &text) {
  std::vector<size_t> out;
  for (size_t i = 0; i < text.size(); i++)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) out.push_back(i);
  out.push_back(text.size());
  return out;
}

std::string shown(size_t kind, size_t begin, size_t end, const antlr4::Token &token, size_t mode) {
  std::ostringstream out;
  out << kind << ' ' << begin << '-' << end << " at " << token.getLine() << ':' << token.getCharPositionInLine()
      << " in " << mode;
  return out.str();
}

void expectSame(const std::string &text) {
  LivePatchWords::unpackTables();
  antlr4::ANTLRInputStream input(text);
  LivePatchWords lexer(&input);
  lexer.removeErrorListeners();
  std::vector<size_t> offsets = offsetsOf(text);
  Words words;
  words.assign(text, 1);
  for (;;) {
    auto theirs = lexer.nextToken();
    auto ours = words.nextToken();
    ASSERT_EQ(shown(ours->getType(), ours->getStartIndex(), ours->getStopIndex() + 1, *ours, words.mode()),
              shown(theirs->getType(), offsets[theirs->getStartIndex()], offsets[theirs->getStopIndex() + 1], *theirs,
                    lexer.mode))
        << text;
    if (theirs->getType() == antlr4::Token::EOF) break;
  }
}

const std::vector<std::string> kLines = {
    "patch name version \"1\"",
    "target file build-id 0011",
    "object name = file build-id 00",
    "new name 16 rw",
    "load name file rx",
    "dl name file with a = b + 1, c = $d:e",
    "set a + 1 u8 1 was 2",
    "set [o!a] f32 1.5 was 2",
    "set a text \"x\" was \"y\"",
    "set a str x y",
    "set a hex 00 11 was 22",
    "set a addr b - 1 was c",
    "jmp a!b c.c:d + 1",
    "hook a + 1 b original $c:d",
    "asm att new name {",
    "asm a + 1 {",
    "return a + 1 -2",
    "nop a + 1 2",
    "got a $b + 1 in c",
    "expect a u8 1",
    "quiesce a, b + 1",
    "on pre-apply call a + 1 2",
    "let a = b + 1",
    "unknown words",
};

TEST(Words, ALineEndsInEveryMode) {
  for (const std::string &line : kLines)
    for (size_t length = 1; length <= line.size(); length++) {
      std::string text = line.substr(0, length) + "\n";
      Words words;
      words.assign(text, 1);
      size_t last = 0;
      for (auto word = words.nextToken(); word->getType() != antlr4::Token::EOF; word = words.nextToken())
        last = word->getType();
      EXPECT_EQ(last, size_t{LivePatchWords::NEWLINE}) << text;
      EXPECT_EQ(words.mode(), size_t{antlr4::Lexer::DEFAULT_MODE}) << text;
    }
}

TEST(Words, AreThoseOfTheGrammarInEveryMode) {
  for (const std::string &line : kLines)
    for (size_t length = 1; length <= line.size(); length++)
      for (const char *more : {"", "\n", " ", "x", "1", "\"", "#", "é", "!", "+-", "0x", "::", "\U0001F600 ]"})
        expectSame(line.substr(0, length) + more);
}

TEST(Words, AreThoseOfTheGrammarForFilesOfTheTests) {
  size_t files = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(LPC_SOURCE_DIR "/tests/check")) {
    if (entry.path().extension() != ".lp") continue;
    std::ifstream file(entry.path());
    std::string text((std::istreambuf_iterator<char>(file)), {});
    if (validPrefix(text) != text.size()) continue;
    expectSame(text);
    files++;
  }
  EXPECT_GT(files, 100U);
}

TEST(Words, AreThoseOfTheGrammarForRandomStatements) {
  RandomStatements random(7);
  for (int i = 0; i < 2000; i++)
    expectSame(statementText(random.statement()) + "\n");
}

// Statements whose pieces are torn apart, doubled and mixed with signs.
TEST(Words, AreThoseOfTheGrammarForRandomPieces) {
  std::mt19937 random(11);
  auto below = [&](size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random); };
  const std::vector<std::string> signs = {" ", "\t", "\r",   "\n",  "#",  "\"",   "\\",   "\\x4", "+",
                                          "-", "_",  "$",    "[",   "]",  "{",    ":",    "!",    "@",
                                          ",", "=",  "0x1f", "0b1", "09", "1_0",  "1e+5", "nan",  "é",
                                          "€", ".",  "/",    "'",   "~",  "\x01", "was",  "\x7f", "str"};
  for (int i = 0; i < 5000; i++) {
    std::string text;
    for (size_t pieces = 1 + below(6); pieces > 0; pieces--) {
      const std::string &line = kLines[below(kLines.size())];
      size_t begin = text.empty() ? 0 : below(line.size());
      text += line.substr(begin, 1 + below(line.size() - begin));
      text += signs[below(signs.size())];
      if (below(3) == 0) text += signs[below(signs.size())];
    }
    expectSame(text);
  }
}

} // namespace
} // namespace lpc::test
