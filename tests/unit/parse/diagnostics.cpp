// Every message of the parser with its place, beside the nearest text that is right.
#include <gtest/gtest.h>

#include "parse_helpers.h"

namespace lpc {
namespace {

using test::parseText;
using test::summary;

struct Case {
  std::string wrong;
  std::string message; // "line:column-line:column id: message"
  std::string right;   // the neighbour that must pass; empty where there is none
};

void PrintTo(const Case &each, std::ostream *out) { *out << each.wrong; }

class OneLine : public testing::TestWithParam<Case> {};

TEST_P(OneLine, HasOneMessage) {
  auto parsed = parseText(GetParam().wrong);
  EXPECT_EQ(summary(parsed.diagnostics), GetParam().message + "\n");
  EXPECT_TRUE(parsed.file.statements.empty());
}

TEST_P(OneLine, NeighbourPasses) {
  auto parsed = parseText(GetParam().right);
  EXPECT_EQ(summary(parsed.diagnostics), "");
  EXPECT_EQ(parsed.file.statements.size(), GetParam().right.empty() ? 0U : 1U);
}

TEST_P(OneLine, HidesNothingAround) {
  auto parsed = parseText("new a 1\n" + GetParam().wrong + "\njpm a b\nnew b 2\n");
  EXPECT_EQ(parsed.diagnostics.size(), 2U) << summary(parsed.diagnostics);
  EXPECT_EQ(parsed.file.statements.size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(
    Instructions, OneLine,
    testing::Values(Case{"jpm a b", "1:1-1:4 unknown-instruction: `jpm` is not an instruction", "jmp a b"},
                    Case{"  SET x int 5", "1:3-1:6 unknown-instruction: `SET` is not an instruction", "set x int 5"},
                    Case{"expects a int 5", "1:1-1:8 unknown-instruction: `expects` is not an instruction",
                         "expect a int 5"},
                    Case{"dlopne x y", "1:1-1:7 unknown-instruction: `dlopne` is not an instruction", "dlopen x y"},
                    Case{"jmp[a] b", "1:1-1:7 unknown-instruction: `jmp[a]` is not an instruction", "jmp [a] b"},
                    Case{"}", "1:1-1:2 unknown-instruction: `}` is not an instruction", ""},
                    Case{"é", "1:1-1:2 unknown-instruction: `é` is not an instruction", ""}));

INSTANTIATE_TEST_SUITE_P(
    Unfinished, OneLine,
    testing::Values(
        Case{"set", "1:4-1:4 syntax-error: expected an address, but the line ends", "set a int 1"},
        Case{"set a", "1:6-1:6 syntax-error: expected a type, but the line ends", "set a int 1"},
        Case{"set a  # int", "1:6-1:6 syntax-error: expected a type, but the line ends", "set a int 1"},
        Case{"set a int", "1:10-1:10 syntax-error: expected an integer, but the line ends", "set a int 1"},
        Case{"set a int 1 was", "1:16-1:16 syntax-error: expected an integer, but the line ends", "set a int 1 was 2"},
        Case{"set a f32", "1:10-1:10 syntax-error: expected a floating-point number, but the line ends", "set a f32 1"},
        Case{"set a text", "1:11-1:11 syntax-error: expected a string in double quotes, but the line ends",
             "set a text \"\""},
        Case{"set a hex", "1:10-1:10 syntax-error: expected hexadecimal digits, but the line ends", "set a hex 00"},
        Case{"set a addr", "1:11-1:11 syntax-error: expected an address, but the line ends", "set a addr b"},
        Case{"set a+", "1:7-1:7 syntax-error: expected an integer, but the line ends", "set a+1 int 1"},
        Case{"jmp", "1:4-1:4 syntax-error: expected an address, but the line ends", "jmp a b"},
        Case{"jmp a\r", "1:6-1:6 syntax-error: expected an address, but the line ends", "jmp a b\r"},
        Case{"jmp a b+", "1:9-1:9 syntax-error: expected an integer, but the line ends", "jmp a b+1"},
        Case{"jmp [a", "1:7-1:7 syntax-error: expected `]`, but the line ends", "jmp [a] b"},
        Case{"jmp a b!", "1:9-1:9 syntax-error: expected a symbol or an integer, but the line ends", "jmp a b!c"},
        Case{"jmp a b.c:", "1:11-1:11 syntax-error: expected a symbol, but the line ends", "jmp a b.c:d"},
        Case{"jmp a $m:", "1:10-1:10 syntax-error: expected a symbol or an integer, but the line ends", "jmp a $m:d"},
        Case{"new", "1:4-1:4 syntax-error: expected a name, but the line ends", "new a 1"},
        Case{"new a", "1:6-1:6 syntax-error: expected a size in bytes, but the line ends", "new a 1"},
        Case{"load", "1:5-1:5 syntax-error: expected a name, but the line ends", "load a b"},
        Case{"load a", "1:7-1:7 syntax-error: expected a file, but the line ends", "load a b"},
        Case{"dl a", "1:5-1:5 syntax-error: expected a file, but the line ends", "dl a b"},
        Case{"dl a b with", "1:12-1:12 syntax-error: expected a symbol, but the line ends", "dl a b with c = d"},
        Case{"dl a b with c", "1:14-1:14 syntax-error: expected `=`, but the line ends", "dl a b with c = d"},
        Case{"dl a b with c =", "1:16-1:16 syntax-error: expected an address, but the line ends", "dl a b with c = d"},
        Case{"dl a b with c = d,", "1:19-1:19 syntax-error: expected a symbol, but the line ends",
             "dl a b with c = d, e = f"},
        Case{"patch", "1:6-1:6 syntax-error: expected a name, but the line ends", "patch a"},
        Case{"patch a version", "1:16-1:16 syntax-error: expected a string in double quotes, but the line ends",
             "patch a version \"1\""},
        Case{"target", "1:7-1:7 syntax-error: expected a file, but the line ends", "target a"},
        Case{"target a build-id", "1:18-1:18 syntax-error: expected hexadecimal digits, but the line ends",
             "target a build-id 00"},
        Case{"object a", "1:9-1:9 syntax-error: expected `=`, but the line ends", "object a = b"},
        Case{"object a =", "1:11-1:11 syntax-error: expected a file, but the line ends", "object a = b"}));

INSTANTIATE_TEST_SUITE_P(
    Others, OneLine,
    testing::Values(
        Case{"return", "1:7-1:7 syntax-error: expected an address, but the line ends", "return a"},
        Case{"return f+6", "1:9-1:10 syntax-error: `return` takes a function, which has no displacement",
             "return f +6"},
        Case{"return f - 6", "1:10-1:11 syntax-error: `return` takes a function, which has no displacement",
             "return f -6"},
        Case{"return f 6 7", "1:12-1:13 syntax-error: expected the end of the line, not `7`", "return [f + 8] 7"},
        Case{"nop a", "1:6-1:6 syntax-error: expected a size in bytes, but the line ends", "nop a 5"},
        Case{"nop a+5", "1:8-1:8 syntax-error: expected a size in bytes, but the line ends", "nop a+5 5"},
        Case{"got a", "1:6-1:6 syntax-error: expected an address, but the line ends", "got a b"},
        Case{"got a!b c", "1:5-1:7 syntax-error: expected a symbol, not `a!`", "got a b!c"},
        Case{"got a b in", "1:11-1:11 syntax-error: expected an object, but the line ends", "got a b in libc.so.6"},
        Case{"got a b on c", "1:9-1:11 syntax-error: expected `in` or the end of the line, not `on`",
             "got in in in \"c d\""},
        Case{"expect a int 5 was 6", "1:16-1:19 syntax-error: expected the end of the line, not `was`",
             "expect a int 5"},
        Case{"quiesce a b", "1:11-1:12 syntax-error: expected `,` or the end of the line, not `b`",
             "quiesce a, b+1 , [c]"},
        Case{"let a b", "1:7-1:8 syntax-error: expected `=`, not `b`", "let a = b"},
        Case{"let 5 = b", "1:5-1:6 syntax-error: `5` is not a name", "let _5 = [b]+1"}));

INSTANTIATE_TEST_SUITE_P(
    TooMuch, OneLine,
    testing::Values(
        Case{"set a int 5 6", "1:13-1:14 syntax-error: expected `was` or the end of the line, not `6`", "set a int 5"},
        Case{"set a int 5 was 6 7", "1:19-1:20 syntax-error: expected the end of the line, not `7`",
             "set a int 5 was 6"},
        Case{"set a text \"b\" c", "1:16-1:17 syntax-error: expected `was` or the end of the line, not `c`",
             "set a text \"b\""},
        Case{"set a addr b c", "1:14-1:15 syntax-error: expected `was` or the end of the line, not `c`",
             "set a addr b"},
        Case{"jmp a b c", "1:9-1:10 syntax-error: expected the end of the line, not `c`", "jmp a b"},
        Case{"jmp a, b", "1:6-1:7 syntax-error: expected an address, not `,`", "jmp a b"},
        Case{"jmp a] b", "1:6-1:7 syntax-error: expected an address, not `]`", "jmp [a] b"},
        Case{"jmp [a b] c", "1:8-1:9 syntax-error: expected `]`, not `b`", "jmp [a] c"},
        Case{"new a 1 rwz", "1:9-1:12 syntax-error: expected `r`, `rw`, `rx`, `rwx` or the end of the line, not `rwz`",
             "new a 1 rwx"},
        Case{"new a 1 rw x", "1:12-1:13 syntax-error: expected the end of the line, not `x`", "new a 1 rw"},
        Case{"dl a b c", "1:8-1:9 syntax-error: expected `with` or the end of the line, not `c`", "dl a b"},
        Case{"dl a b with c = d e", "1:19-1:20 syntax-error: expected `,` or the end of the line, not `e`",
             "dl a b with c = d"},
        Case{"dl a b rw", "1:8-1:10 syntax-error: expected `with` or the end of the line, not `rw`", "load a b rw"},
        Case{"patch a b", "1:9-1:10 syntax-error: expected `version` or the end of the line, not `b`", "patch a"},
        Case{"target a b", "1:10-1:11 syntax-error: expected `build-id` or the end of the line, not `b`", "target a"},
        Case{"object a b", "1:10-1:11 syntax-error: expected `=`, not `b`", "object a = b"}));

INSTANTIATE_TEST_SUITE_P(
    Words, OneLine,
    testing::Values(
        Case{"set a integer 5", "1:7-1:14 unknown-type: `integer` is not a type", "set a int 5"},
        Case{"set a uint32_t 5", "1:7-1:15 unknown-type: `uint32_t` is not a type", "set a u32 5"},
        Case{"set a Int 5", "1:7-1:10 unknown-type: `Int` is not a type", "set a int 5"},
        Case{"set a 5", "1:7-1:8 syntax-error: expected a type, not `5`", "set a int 5"},
        Case{"set a = 5", "1:7-1:8 syntax-error: expected a type, not `=`", "set a int 5"},
        Case{"set a int 5 was int 6",
             "1:17-1:20 was-not-allowed: `was` has the type of the new value, and none of its own",
             "set a int 5 was 6"},
        Case{"set a hex 00 was hex 01",
             "1:18-1:21 was-not-allowed: `was` has the type of the new value, and none of its own",
             "set a hex 00 was 01"},
        Case{"set a text \"b\" was text \"c\"",
             "1:20-1:24 was-not-allowed: `was` has the type of the new value, and none of its own",
             "set a text \"b\" was \"c\""},
        Case{"new foo-bar 4", "1:5-1:12 syntax-error: `foo-bar` is not a name", "new foo_bar 4"},
        Case{"new $foo 4", "1:5-1:9 syntax-error: `$foo` is not a name", "new foo 4"},
        Case{"load \"a\" b", "1:6-1:9 syntax-error: expected a name, not `\"a\"`", "load a \"b\""},
        Case{"patch a-b", "1:7-1:10 syntax-error: `a-b` is not a name", "patch \"a-b\""},
        Case{"patch a version 1.2", "1:17-1:20 bad-string: expected a string in double quotes, not `1.2`",
             "patch a version \"1.2\""},
        Case{"jmp http::Server::run a", "1:5-1:22 syntax-error: `http::Server::run` is not a symbol as it stands",
             "jmp \"http::Server::run\" a"},
        Case{"jmp größe a", "1:5-1:10 syntax-error: `größe` is not a symbol as it stands", "jmp \"größe\" a"},
        Case{"jmp ?a b", "1:5-1:6 syntax-error: expected an address, not `?`", "jmp a b"},
        Case{"jmp \"\" b", "1:5-1:7 bad-string: a name cannot be empty", "jmp \"a\" b"},
        Case{"load a \"b\\0c\"", "1:8-1:14 bad-string: a name cannot have a zero byte in it", "load a \"b0c\""}));

INSTANTIATE_TEST_SUITE_P(
    Integers, OneLine,
    testing::Values(
        Case{"set a int 5x", "1:11-1:13 bad-integer: `5x` is not an integer: `x` is not a digit of a decimal number",
             "set a int 5"},
        Case{"set a int 09", "1:11-1:13 bad-integer: `09` is not an integer: `9` is not a digit of an octal number",
             "set a int 07"},
        Case{"set a int 0xg",
             "1:11-1:14 bad-integer: `0xg` is not an integer: `g` is not a digit of a hexadecimal number",
             "set a int 0xf"},
        Case{"set a int 0b12", "1:11-1:15 bad-integer: `0b12` is not an integer: `2` is not a digit of a binary number",
             "set a int 0b11"},
        Case{"set a int 0x", "1:11-1:13 bad-integer: `0x` is not an integer: there are no digits behind `0x`",
             "set a int 0x0"},
        Case{"set a int 1__0", "1:11-1:15 bad-integer: `1__0` is not an integer: `_` stands between two digits",
             "set a int 1_0"},
        Case{"set a int 1_", "1:11-1:13 bad-integer: `1_` is not an integer: `_` stands between two digits",
             "set a int 1_0"},
        Case{"set a int 0x_1", "1:11-1:15 bad-integer: `0x_1` is not an integer: `_` stands between two digits",
             "set a int 0x1"},
        Case{"set a int foo", "1:11-1:14 bad-integer: `foo` is not an integer", "set a int 1"},
        Case{"set a int - 5", "1:11-1:12 bad-integer: `-` is not an integer", "set a int -5"},
        Case{"set a int 1.5", "1:11-1:14 bad-integer: `1.5` is not an integer: `.` is not a digit of a decimal number",
             "set a int 15"},
        Case{"set a int 1 was x", "1:17-1:18 bad-integer: `x` is not an integer", "set a int 1 was 2"},
        Case{"new a 4k", "1:7-1:9 bad-integer: `4k` is not an integer: `k` is not a digit of a decimal number",
             "new a 4"},
        Case{"jmp a 4k", "1:7-1:9 bad-integer: `4k` is not an integer: `k` is not a digit of a decimal number",
             "jmp a 4"},
        Case{"jmp a+4k b", "1:7-1:9 bad-integer: `4k` is not an integer: `k` is not a digit of a decimal number",
             "jmp a+4 b"},
        Case{"set a int 18446744073709551616",
             "1:11-1:31 integer-out-of-range: `18446744073709551616` does not fit 64 bits",
             "set a int 18446744073709551615"},
        Case{"jmp a+0x10000000000000000 b", "1:7-1:26 integer-out-of-range: `0x10000000000000000` does not fit 64 bits",
             "jmp a+0xffffffffffffffff b"},
        Case{"new a -0b11111111111111111111111111111111111111111111111111111111111111111",
             "1:7-1:75 integer-out-of-range: `-0b111111111111111111111111111111111111111111111111111111111…` does not "
             "fit 64 "
             "bits",
             "new a -0b1"}));

INSTANTIATE_TEST_SUITE_P(
    OtherLiterals, OneLine,
    testing::Values(
        Case{"set a f64 1,5", "1:11-1:14 bad-float: `1,5` is not a floating-point number", "set a f64 1.5"},
        Case{"set a f64 1e", "1:11-1:13 bad-float: `1e` is not a floating-point number", "set a f64 1e0"},
        Case{"set a f64 .", "1:11-1:12 bad-float: `.` is not a floating-point number", "set a f64 .0"},
        Case{"set a f64 infinity", "1:11-1:19 bad-float: `infinity` is not a floating-point number", "set a f64 inf"},
        Case{"set a f32 NaN", "1:11-1:14 bad-float: `NaN` is not a floating-point number", "set a f32 nan"},
        Case{"set a f32 1f", "1:11-1:13 bad-float: `1f` is not a floating-point number", "set a f32 1"},
        Case{"set a f64 1e999", "1:11-1:16 bad-float: `1e999` is too large for a 64-bit floating-point number",
             "set a f64 1e308"},
        Case{"set a hex 123", "1:11-1:14 bad-hex: `123` has 3 digits, but every byte is a pair of digits",
             "set a hex 1234"},
        Case{"set a hex 1 2", "1:11-1:12 bad-hex: `1` has 1 digit, but every byte is a pair of digits", "set a hex 12"},
        Case{"set a hex 00 1g", "1:15-1:16 bad-hex: `g` is not a hexadecimal digit", "set a hex 00 1f"},
        Case{"set a hex 0x68", "1:12-1:13 bad-hex: `x` is not a hexadecimal digit", "set a hex 68"},
        Case{"target a build-id xy", "1:19-1:20 bad-hex: `x` is not a hexadecimal digit", "target a build-id ab"},
        Case{"set a text hello", "1:12-1:17 bad-string: expected a string in double quotes, not `hello`",
             "set a text \"hello\""},
        Case{"set a text \"hel  ", "1:12-1:16 bad-string: the string has no closing quote on its line",
             "set a text \"hel\""},
        Case{"set a text \"a\\qb\"", "1:14-1:16 bad-string: `\\q` is not an escape", "set a text \"a\\nb\""},
        Case{"set a text \"ä\\é\"", "1:14-1:16 bad-string: `\\é` is not an escape", "set a text \"ä\""},
        Case{"set a text \"\\x4\"", "1:13-1:15 bad-string: `\\x` needs two hexadecimal digits", "set a text \"\\x41\""},
        Case{"set a text \"\\400\"", "1:13-1:17 bad-string: `\\400` is more than a byte holds", "set a text \"\\377\""},
        Case{"set a cstr \"a\\", "1:14-1:15 bad-string: a string cannot end in a lone `\\`", "set a cstr \"a\\\\\""},
        Case{"jmp \"a b", "1:5-1:9 bad-string: the string has no closing quote on its line", "jmp \"a\" b"},
        Case{"load a \"b", "1:8-1:10 bad-string: the string has no closing quote on its line", "load a \"b\""}));

INSTANTIATE_TEST_SUITE_P(
    Encoding, OneLine,
    testing::Values(
        Case{"set a str \xff", "1:11-1:12 bad-encoding: the byte 0xff is not UTF-8 here", "set a str \xc3\xbf"},
        Case{"# é\x80", "1:4-1:5 bad-encoding: the byte 0x80 is not UTF-8 here", ""},
        Case{"jmp a \xc0\x80", "1:7-1:8 bad-encoding: the byte 0xc0 is not UTF-8 here", "jmp a \"\xc2\x80\""},
        Case{"set a str \xed\xa0\x80", "1:11-1:12 bad-encoding: the byte 0xed is not UTF-8 here",
             "set a str \xed\x9f\xbf"},
        Case{"set a str \xf4\x90\x80\x80", "1:11-1:12 bad-encoding: the byte 0xf4 is not UTF-8 here",
             "set a str \xf4\x8f\xbf\xbf"},
        Case{"set a str \xe2\x82", "1:11-1:12 bad-encoding: the byte 0xe2 is not UTF-8 here",
             "set a str \xe2\x82\xac"}));

// --- messages that need more than a line ----------------------------------------------------------------------------

std::string summaryOf(const std::string &text) { return summary(parseText(text).diagnostics); }

TEST(Diagnostics, HeaderOrder) {
  auto parsed = parseText("new a 1\npatch p\nobject o = f\ntarget t\n");
  EXPECT_EQ(summary(parsed.diagnostics), "2:1-2:6 header-order: `patch` has to stand before all other statements\n"
                                         "3:1-3:7 header-order: `object` has to stand before all other statements\n"
                                         "4:1-4:7 header-order: `target` has to stand before all other statements\n");
  EXPECT_EQ(parsed.file.statements.size(), 4U) << "they mean what they say all the same";
  EXPECT_EQ(parsed.diagnostics[0].notes.at(0).place, (Place{1, 1, 1, 4}));
  EXPECT_EQ(summaryOf("object o = f\ntarget t\nobject p = g\npatch p\nnew a 1\n"), "")
      << "in any order among themselves";
}

TEST(Diagnostics, DuplicateHeader) {
  auto parsed = parseText("patch p\ntarget t\npatch q\nnew a 1\ntarget u\n");
  EXPECT_EQ(summary(parsed.diagnostics), "3:1-3:6 duplicate-header: `patch` stands a second time\n"
                                         "5:1-5:7 duplicate-header: `target` stands a second time\n");
  EXPECT_EQ(parsed.diagnostics[0].notes.at(0).place, (Place{1, 1, 1, 6}));
  EXPECT_EQ(parsed.file.statements.size(), 3U) << "the first one counts";
  EXPECT_EQ(summaryOf("object a = b\nobject c = d\n"), "");
}

TEST(Diagnostics, BrokenLinesCountForTheOrderOfHeaders) {
  EXPECT_EQ(summaryOf("new a\npatch p"), "1:6-1:6 syntax-error: expected a size in bytes, but the line ends\n"
                                         "2:1-2:6 header-order: `patch` has to stand before all other statements\n");
  EXPECT_EQ(summaryOf("patch\npatch p"), "1:6-1:6 syntax-error: expected a name, but the line ends\n"
                                         "2:1-2:6 duplicate-header: `patch` stands a second time\n");
  EXPECT_EQ(summaryOf("new a 0xffffffffffffffff1\npatch p"),
            "1:7-1:26 integer-out-of-range: `0xffffffffffffffff1` does not fit 64 bits\n"
            "2:1-2:6 header-order: `patch` has to stand before all other statements\n");
  EXPECT_EQ(summaryOf("traget t\npatch p"), "1:1-1:7 unknown-instruction: `traget` is not an instruction\n")
      << "which may have been meant as a header";
}

TEST(Diagnostics, BlocksOfUnknownInstructionsAreSkippedWhole) {
  const std::string blockMessage = "unknown-instruction: `xyz` is not an instruction\n";
  auto parsed = parseText("xyz foo {\n  nop\n  { set x\n } # }\n  db \"}\"\n}\nnew a 1\n");
  EXPECT_EQ(summary(parsed.diagnostics), "1:1-1:4 " + blockMessage);
  ASSERT_EQ(parsed.file.statements.size(), 1U);
  EXPECT_EQ(parsed.file.statements.front().place, (Place{7, 1, 7, 8}));

  EXPECT_EQ(summaryOf("xyz foo { nop }\nnew a 1\n"), "1:1-1:4 " + blockMessage);
  EXPECT_EQ(summaryOf("xyz foo # {\nnip\n"),
            "1:1-1:4 " + blockMessage + "2:1-2:4 unknown-instruction: `nip` is not an instruction\n");
  EXPECT_EQ(summaryOf("xyz a {\nnop\n}\nxyz b {\nnop\n}\nx"),
            "1:1-1:4 " + blockMessage + "4:1-4:4 " + blockMessage +
                "7:1-7:2 unknown-instruction: `x` is not an instruction\n");
  // A block that is never closed hides nothing.
  EXPECT_EQ(parseText("xyz foo {\nnew a 1\nnew b 2\n").file.statements.size(), 2U);
  EXPECT_EQ(parseText("xyz foo {\nxyz bar {\nnop\n}\nnew b 2\n").file.statements.size(), 1U);
}

TEST(Diagnostics, Suggestions) {
  auto help = [](const std::string &text) { return parseText(text).diagnostics.at(0).help; };
  EXPECT_EQ(help("jpm a b"), "did you mean `jmp`?");
  EXPECT_EQ(help("SET a int 1"), "did you mean `set`?");
  EXPECT_EQ(help("frobnicate a b"),
            "the instructions are patch target object new load dl dlopen set jmp asm hook return nop got expect "
            "quiesce on let");
  EXPECT_EQ(help("set a itn 1"), "did you mean `int`?");
  EXPECT_EQ(help("set a uint64_t 1"), "did you mean `u64`?");
  EXPECT_EQ(help("set a quux 1"), "the types are int i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 str text cstr hex addr");
  EXPECT_EQ(help("set a 1"), "write `int 1`, or another type of integer");
  EXPECT_EQ(help("jmp a"), "write `jmp ADDR1 ADDR2`");
  EXPECT_EQ(help("set a int 09"), "a leading 0 makes a number octal");
  EXPECT_EQ(help("set a int ff"), "");
  EXPECT_EQ(help("set a int 1f"), "a hexadecimal number starts with `0x`");
  EXPECT_EQ(help("set a hex 0x00"), "the digits stand without `0x` here");
  EXPECT_EQ(help("new $a 1"), "the `$` stands only where the name is used");
}

TEST(Diagnostics, ManyErrorsInOneFileEachOnceInOrder) {
  EXPECT_EQ(summaryOf("patch fix\n"
                      "jpm a b\n"
                      "set a itn 5\n"
                      "set a int 5 6\n"
                      "jmp a b\n"
                      "set a text \"x\n"
                      "set a hex 123\n"
                      "target server\n"
                      "xyz f {\n  set\n}\n"
                      "jmp [a b\n"
                      "set a str \xff\n"
                      "new 5 5\n"
                      "patch again\n"
                      "set a f32 x\n"
                      "set a int 5\n"),
            "2:1-2:4 unknown-instruction: `jpm` is not an instruction\n"
            "3:7-3:10 unknown-type: `itn` is not a type\n"
            "4:13-4:14 syntax-error: expected `was` or the end of the line, not `6`\n"
            "6:12-6:14 bad-string: the string has no closing quote on its line\n"
            "7:11-7:14 bad-hex: `123` has 3 digits, but every byte is a pair of digits\n"
            "8:1-8:7 header-order: `target` has to stand before all other statements\n"
            "9:1-9:4 unknown-instruction: `xyz` is not an instruction\n"
            "12:8-12:9 syntax-error: expected `]`, not `b`\n"
            "13:11-13:12 bad-encoding: the byte 0xff is not UTF-8 here\n"
            "14:5-14:6 syntax-error: `5` is not a name\n"
            "15:1-15:6 duplicate-header: `patch` stands a second time\n"
            "16:11-16:12 bad-float: `x` is not a floating-point number\n");
}

TEST(Diagnostics, EveryLineOfALargeFileIsJudgedAlone) {
  std::string text;
  for (int i = 0; i < 1000; i++)
    text += i % 3 == 0 ? "new a 1 x\n" : "new a 1\n";
  auto parsed = parseText(text);
  EXPECT_EQ(parsed.diagnostics.size(), 334U);
  EXPECT_EQ(parsed.file.statements.size(), 666U);
  EXPECT_EQ(parsed.diagnostics.back().place.line, 1000U);
}

TEST(Diagnostics, NestingIsBounded) {
  auto nested = [](size_t depth) {
    return "jmp " + std::string(depth, '[') + "a" + std::string(depth, ']') + " b\nnew x 1\n";
  };
  EXPECT_EQ(summaryOf(nested(64)), "");
  EXPECT_EQ(summaryOf(nested(65)), "1:69-1:70 syntax-error: more than 64 brackets inside each other\n");
  EXPECT_EQ(summaryOf(nested(1000000)), "1:69-1:70 syntax-error: more than 64 brackets inside each other\n");
  EXPECT_EQ(summaryOf("set a str " + std::string(100, '[')), "") << "in a text they mean nothing";
  EXPECT_EQ(summaryOf("dl x y with a = [b]" +
                      [] {
                        std::string out;
                        for (int i = 0; i < 100; i++)
                          out += ", a = [b]";
                        return out;
                      }()),
            "")
      << "only depth counts, not number";
}

TEST(Diagnostics, CaretsStandRightBehindAByteOrderMark) {
  SourceText source("t.lp", "\xef\xbb\xbfset a itn 1\r\n");
  Diagnostics diagnostics;
  parse(source, diagnostics);
  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(render(diagnostics.all()[0], source, false), "t.lp:1:7: error: `itn` is not a type [unknown-type]\n"
                                                         "    1 | set a itn 1\n"
                                                         "      |       ^~~\n"
                                                         "  help: did you mean `int`?\n");
}

TEST(Diagnostics, MessagesAreShort) {
  auto parsed = parseText("jmp a b " + std::string(1000000, 'x') + "\n" + std::string(1000000, 'y'));
  ASSERT_EQ(parsed.diagnostics.size(), 2U);
  for (const Diagnostic &d : parsed.diagnostics)
    EXPECT_LT(d.message.size(), 200U);
}

} // namespace
} // namespace lpc
