// Whatever the bytes: parse() ends, does not throw, and gives at most one message a line, inside the text. Seeds are
// fixed.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "parse_helpers.h"

namespace lpc {
namespace {

using test::parseText;

void expectSane(const std::string &text) {
  auto parsed = parseText(text);
  size_t lines = static_cast<size_t>(std::ranges::count(text, '\n')) + 1;
  std::set<uint32_t> seen;
  for (const Diagnostic &d : parsed.diagnostics) {
    ASSERT_GE(d.place.line, 1U);
    ASSERT_LE(d.place.line, lines);
    ASSERT_EQ(d.place.line, d.place.endLine);
    ASSERT_LE(d.place.column, d.place.endColumn);
    ASSERT_TRUE(seen.insert(d.place.line).second) << "two messages on line " << d.place.line << " of:\n" << text;
    ASSERT_FALSE(d.message.empty());
  }
  ASSERT_LE(parsed.file.statements.size(), lines);
  for (const ast::Statement &statement : parsed.file.statements)
    ASSERT_FALSE(ast::statementText(statement).empty());
}

TEST(Hostile, RandomBytes) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int i = 0; i < 300; i++) {
    std::string text(static_cast<size_t>(i) * 3, '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(byte(random)); });
    expectSane(text);
  }
}

TEST(Hostile, RandomPrintableText) {
  std::mt19937 random(2);
  constexpr std::string_view kCharacters = "setnwjmpdl  \n\n\"\"\\[]+-:!$,={}#0123456789abcdefx_.@\t\r";
  std::uniform_int_distribution<size_t> pick(0, kCharacters.size() - 1);
  for (int i = 0; i < 2000; i++) {
    std::string text(80, ' ');
    std::ranges::generate(text, [&] { return kCharacters[pick(random)]; });
    expectSane(text);
    expectSane("set " + text);
    expectSane("jmp a " + text);
  }
}

TEST(Hostile, RandomWords) {
  std::mt19937 random(3);
  const std::vector<std::string> words = {
      "set",     "jmp",      "new",  "load",     "dl",   "patch", "target", "object",
      "version", "build-id", "with", "was",      "int",  "str",   "text",   "cstr",
      "hex",     "addr",     "f64",  "u8",       "r",    "rwx",   "=",      ",",
      "[",       "]",        "+",    "-",        "$m",   "$m:",   "$m:f",   "a!",
      "a!b",     "a.c:",     "a",    "\"q\"",    "\"un", "5",     "0x1F",   "-7",
      "09",      "1.5",      "nan",  "68656c6c", "{",    "}",     "#",      "\\",
      "a::b",    "é",        "\xff", "\r",       "asm",  "!",     ":",      "999999999999999999999",
      "\n",      "\n",       "\n",   "\n"};
  std::uniform_int_distribution<size_t> pick(0, words.size() - 1);
  for (int i = 0; i < 1000; i++) {
    std::string text;
    for (int k = 0; k < 60; k++)
      text += words[pick(random)] + (k % 4 == 3 ? "" : " ");
    expectSane(text);
  }
}

TEST(Hostile, EveryTruncation) {
  const std::string text = "\xef\xbb\xbfpatch \"a b\" version \"1\"\ntarget ./s build-id 00ff\nobject o = \"é\"\r\n"
                           "dl f p.so with a = [b + 1], \"c d\" = $f:x\njmp o!u.c:f+4 $f:g\nset x f64 -0x1p3 was nan\n"
                           "set [a]-1 cstr \"\\x41\" was \"b\"\nset p addr q was r\nasm x {\n }\nset s str é\n";
  for (size_t length = 0; length <= text.size(); length++)
    expectSane(text.substr(0, length));
  for (size_t start = 0; start <= text.size(); start++)
    expectSane(text.substr(start));
}

TEST(Hostile, EveryByteReplaced) {
  const std::string text = "dl f p.so with a = [b + 1]\nset o!u.c:f+4 cstr \"\\x41\" was \"b\"\nset p hex 00 was 11\n";
  for (size_t i = 0; i < text.size(); i++) {
    for (char c : {'\0', '\n', '\r', ' ', '"', '#', '[', ']', '\\', '$', ':', '!', '0', 'z', '\x80', '\xff', '{'}) {
      std::string changed = text;
      changed[i] = c;
      expectSane(changed);
    }
  }
}

TEST(Hostile, VeryLongLines) {
  constexpr size_t kLong = 1000000;
  expectSane(std::string(kLong, 'a'));
  expectSane(std::string(kLong, ' '));
  expectSane(std::string(kLong, '['));
  expectSane(std::string(kLong, '{'));
  expectSane("set " + std::string(kLong, '['));
  expectSane("set " + std::string(kLong, ']'));
  expectSane("jmp a " + std::string(kLong, ']'));
  expectSane("jmp " + std::string(kLong, '?'));
  expectSane("set a str " + std::string(kLong, 'x'));
  expectSane("set a text \"" + std::string(kLong, 'x') + "\"");
  expectSane("set a text \"" + std::string(kLong, '\\'));
  expectSane("set a hex " + std::string(kLong, '0'));
  expectSane("set a int " + std::string(kLong, '9'));
  expectSane("set a int 0" + std::string(kLong, '_'));
  expectSane("load a " + std::string(kLong, '"'));
  std::string sum = "jmp a";
  while (sum.size() < kLong / 4)
    sum += "+1";
  expectSane(sum + " b");
}

TEST(Hostile, ManyWords) {
  auto said = [](const std::string &text) { return test::summary(parseText(text).diagnostics); };
  auto repeated = [](size_t times, std::string_view word) {
    std::string out;
    while (times-- > 0)
      out += word;
    return out;
  };
  EXPECT_EQ(said("set a hex" + repeated(199'997, " 00")), "");
  EXPECT_NE(said("set a hex" + repeated(199'998, " 00")).find("more than 200000 words"), std::string::npos);
  EXPECT_NE(said("jmp a" + repeated(1'000'000, "+1") + " b").find("more than 200000 words"), std::string::npos);
  EXPECT_NE(said("quiesce a" + repeated(1'000'000, ",a")).find("more than 200000 words"), std::string::npos);
}

TEST(Hostile, ManyOpenBlocks) {
  std::string text;
  for (int i = 0; i < 100000; i++)
    text += "asm {\n";
  expectSane(text); // linear: a scan to the end for each of them would take minutes
  expectSane(text + "}\n");
}

} // namespace
} // namespace lpc
