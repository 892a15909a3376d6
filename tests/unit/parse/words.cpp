// The end of a line is NEWLINE in every lexical mode: a mode that takes it for another word would only cost time, for
// the parser then falls back to one line at a time.
#include <string>

#include "LivePatchWords.h"
#include "tests/unit/parse/parse_helpers.h"

namespace lpc::test {
namespace {

using grammar::LivePatchWords;

// The kind of the last word of `text`, and whether the lexer is back at the start of a line.
void expectNewline(const std::string &text) {
  LivePatchWords::unpackTables();
  antlr4::ANTLRInputStream input(text);
  LivePatchWords lexer(&input);
  lexer.removeErrorListeners();
  size_t last = 0;
  for (auto word = lexer.nextToken(); word->getType() != antlr4::Token::EOF; word = lexer.nextToken())
    last = word->getType();
  EXPECT_EQ(last, size_t{LivePatchWords::NEWLINE}) << text;
  EXPECT_EQ(lexer.mode, size_t{antlr4::Lexer::DEFAULT_MODE}) << text;
}

TEST(Words, ALineEndsInEveryMode) {
  for (std::string line : {
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
       })
    for (size_t length = 1; length <= line.size(); length++)
      expectNewline(line.substr(0, length) + "\n");
}

} // namespace
} // namespace lpc::test
