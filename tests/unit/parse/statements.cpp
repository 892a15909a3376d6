// Every form of the language, as the outline of its syntax tree.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ir/support/bytes.h"
#include "parse_helpers.h"

namespace lpc {
namespace {

using test::canonical;
using test::outlineOf;
using test::parseText;

template <class T> T only(const std::string &text) {
  auto parsed = parseText(text);
  EXPECT_EQ(test::summary(parsed.diagnostics), "") << text;
  if (parsed.file.statements.size() != 1) {
    ADD_FAILURE() << text << ": " << parsed.file.statements.size() << " statements";
    return {};
  }
  return std::get<T>(parsed.file.statements.front().what);
}

std::string bytesOf(const std::string &typedValue) {
  Bytes bytes = std::get<Bytes>(only<ast::Set>("set x " + typedValue).value.data);
  return {bytes.begin(), bytes.end()};
}

TEST(Statements, Hook) {
  EXPECT_EQ(outlineOf("hook f [g+8] original $h:next-1"), R"(hook 1:1-1:32
  function 1:6-1:7
    symbol f 1:6-1:7
  to 1:8-1:13
    pointer-at 1:9-1:12
      symbol g 1:9-1:10
      plus 8 1:11-1:12
  original 1:23-1:32
    memory h 1:24-1:25
    symbol next 1:26-1:30
    minus 1 1:31-1:32
)");
  // Each of the words can be a symbol too.
  auto hook = only<ast::Hook>("hook hook original + 4 original original");
  EXPECT_EQ(std::get<ast::SymbolAddress>(hook.to.base).symbol.text, "original");
  EXPECT_EQ(hook.to.displacements.size(), 1U);
}

// --- the script of 2004 ---------------------------------------------------------------------------------------------

TEST(Statements, TheScriptOf2004) {
  EXPECT_EQ(outlineOf("dl foo patch.so\njmp func_J $foo:func1\nset str_P addr $foo:patch_message\n"),
            R"(dl 1:1-1:16
  name foo 1:4-1:7
  file patch.so 1:8-1:16
jmp 2:1-2:22
  from 2:5-2:11
    symbol func_J 2:5-2:11
  to 2:12-2:22
    memory foo 2:13-2:16
    symbol func1 2:17-2:22
set 3:1-3:34
  at 3:5-3:10
    symbol str_P 3:5-3:10
  type addr 3:11-3:15
  value 3:16-3:34
    memory foo 3:17-3:20
    symbol patch_message 3:21-3:34
)");
}

TEST(Statements, TheOtherInstructionsOf2004) {
  EXPECT_EQ(outlineOf("set addr int 5\nnew mem 4096\nload mem file\nset $mem:16 hex 686578"),
            R"(set 1:1-1:15
  at 1:5-1:9
    symbol addr 1:5-1:9
  type int 1:10-1:13
  value 5 1:14-1:15
new 2:1-2:13
  name mem 2:5-2:8
  size 4096 2:9-2:13
load 3:1-3:14
  name mem 3:6-3:9
  file file 3:10-3:14
set 4:1-4:23
  at 4:5-4:12
    memory mem 4:6-4:9
    offset 16 4:10-4:12
  type hex 4:13-4:16
  value 3 bytes 686578 4:17-4:23
)");
}

// --- header ---------------------------------------------------------------------------------------------------------

TEST(Statements, Header) {
  EXPECT_EQ(outlineOf("patch hotfix version \"1.2\"\n"
                      "target ./server build-id 3f2a9c1d\n"
                      "object libc = /lib/libc.so.6 build-id AB cd\n"
                      "object z=\"libz 1.so\"\n"),
            R"(patch 1:1-1:27
  name hotfix 1:7-1:13
  version "1.2" 1:22-1:27
target 2:1-2:34
  file ./server 2:8-2:16
  build-id 3f2a9c1d
object 3:1-3:44
  name libc 3:8-3:12
  file /lib/libc.so.6 3:15-3:29
  build-id abcd
object 4:1-4:21
  name z 4:8-4:9
  file "libz 1.so" 4:10-4:21
)");
  EXPECT_EQ(canonical("patch \"the fix\""), "patch \"the fix\"");
  EXPECT_EQ(canonical("patch version version \"version\""), "patch version version \"version\"");
  EXPECT_EQ(canonical("target build-id build-id 00"), "target build-id build-id 00");
  EXPECT_EQ(canonical("object object = object"), "object object = object");
}

// --- memory ---------------------------------------------------------------------------------------------------------

TEST(Statements, Memory) {
  EXPECT_EQ(outlineOf("new a 0x10 r\nload b \"x y\" rwx\ndl c p.so with f = $b, \"g(int)\" = libc.so.6!h + 4\n"),
            R"x(new 1:1-1:13
  name a 1:5-1:6
  size 0x10 1:7-1:11
  permission r
load 2:1-2:17
  name b 2:6-2:7
  file "x y" 2:8-2:13
  permission rwx
dl 3:1-3:50
  name c 3:4-3:5
  file p.so 3:6-3:10
  with f 3:16-3:17
    address 3:20-3:22
      memory b 3:21-3:22
  with "g(int)" 3:24-3:32
    address 3:35-3:50
      object libc.so.6 3:35-3:44
      symbol h 3:45-3:46
      plus 4 3:49-3:50
)x");
  EXPECT_EQ(only<ast::New>("new a 1 rw").permission, ir::Permission::RW);
  EXPECT_EQ(only<ast::New>("new a 1 rx").permission, ir::Permission::RX);
  EXPECT_EQ(only<ast::New>("new a 1").permission, std::nullopt);
}

TEST(Statements, FileNames) {
  EXPECT_EQ(only<ast::Load>("load a ../b+c,d=e!f$g;h.so").file.text, "../b+c,d=e!f$g;h.so");
  EXPECT_EQ(only<ast::Load>("load a with r").file.text, "with");
  EXPECT_EQ(only<ast::Load>("load a b#c.so").file.text, "b#c.so") << "a `#` inside a file's name belongs to it";
  EXPECT_EQ(only<ast::Load>("load a b #c.so").file.text, "b");
  EXPECT_EQ(only<ast::Load>("load a \"b #c\\x2e\"").file.text, "b #c.");
  EXPECT_EQ(only<ast::Load>("load a grüße.bin rx").file.text, "grüße.bin");
  EXPECT_EQ(only<ast::Dl>("dl a with with with = with").file.text, "with");
}

// --- addresses ------------------------------------------------------------------------------------------------------

std::string addressText(const std::string &address) {
  std::string text = canonical("jmp " + address + " x");
  return text.substr(4, text.size() - 6);
}

TEST(Statements, Addresses) {
  EXPECT_EQ(outlineOf("jmp target!util.c:helper+4 [ [$mem:8 - 2] ]+0x10"),
            R"(jmp 1:1-1:49
  from 1:5-1:27
    object target 1:5-1:11
    source util.c 1:12-1:18
    symbol helper 1:19-1:25
    plus 4 1:26-1:27
  to 1:28-1:49
    pointer-at 1:30-1:42
      pointer-at 1:31-1:41
        memory mem 1:32-1:35
        offset 8 1:36-1:37
        minus 2 1:40-1:41
    plus 0x10 1:45-1:49
)");
  for (std::string same : {"0x401000",
                           "-5",
                           "main",
                           "parse.isra.0",
                           "memcpy@GLIBC_2.2.5",
                           ".L1",
                           "$x.0",
                           "\"a b\"",
                           "\"http::Server::accept(int)\"",
                           "libc.so.6!malloc",
                           "target!main",
                           "libc.so.6!0x1234",
                           "libstdc++.so.6!x",
                           "ld-linux-x86-64.so.2!_rtld_global",
                           "\"my lib\"!f",
                           "util.c:helper",
                           "src/my-util.c:helper",
                           "\"a b.c\":\"f()\"",
                           "a!b.c:d",
                           "$m",
                           "$m:f",
                           "$m:\"f()\"",
                           "$m:16",
                           "$m:-16",
                           "$m+16",
                           "a+1-2+0x3",
                           "[a]",
                           "[[a+1]-2]+3",
                           "a+-4",
                           "a--4"})
    EXPECT_EQ(addressText(same), same);
  EXPECT_EQ(addressText("a  + 4-2"), "a+4-2") << "blanks around the sign change nothing";
  EXPECT_EQ(addressText("a + -4"), "a+-4");
  EXPECT_EQ(canonical("jmp a -5 b"), "jmp a-5 b");
  EXPECT_EQ(canonical("jmp -5 6"), "jmp -5 6");
  EXPECT_EQ(canonical("jmp +5 6"), "jmp 5 6");
  EXPECT_EQ(canonical("jmp [-5] [-6]"), "jmp [-5] [-6]");
}

TEST(Statements, KeywordsAreSymbolsWhereSymbolsStand) {
  for (std::string word :
       {"set",  "new", "load", "dl",      "jmp", "patch", "target", "object", "int", "str", "hex",
        "addr", "was", "with", "version", "r",   "rw",    "asm",    "nan",    "inf", "f64", "text"}) {
    EXPECT_EQ(canonical("set " + word + " int 5 was 6"), "set " + word + " int 5 was 6");
    EXPECT_EQ(canonical("jmp " + word + " " + word), "jmp " + word + " " + word);
    EXPECT_EQ(canonical("jmp \"" + word + "\" " + word), "jmp \"" + word + "\" " + word);
    EXPECT_EQ(canonical("set p addr " + word + " was " + word), "set p addr " + word + " was " + word);
    EXPECT_EQ(canonical("set [" + word + "] str x"), "set [" + word + "] str x");
    EXPECT_EQ(canonical("dl x y with " + word + " = " + word), "dl x y with " + word + " = " + word);
    EXPECT_EQ(canonical("new " + word + " 16 r"), "new " + word + " 16 r");
    EXPECT_EQ(canonical("load " + word + " " + word + " r"), "load " + word + " " + word + " r");
  }
}

// --- values ---------------------------------------------------------------------------------------------------------

TEST(Statements, Integers) {
  struct Case {
    const char *text;
    bool negative;
    uint64_t magnitude;
  };
  for (Case each :
       {Case{"0", false, 0}, Case{"-0", true, 0}, Case{"5", false, 5}, Case{"+5", false, 5}, Case{"-5", true, 5},
        Case{"0x1F", false, 31}, Case{"-0X1f", true, 31}, Case{"017", false, 15}, Case{"0_17", false, 15},
        Case{"00", false, 0}, Case{"0b101", false, 5}, Case{"0B1_0", false, 2}, Case{"1_000_000", false, 1000000},
        Case{"0xdead_beef", false, 0xdeadbeef}, Case{"18446744073709551615", false, UINT64_MAX},
        Case{"-18446744073709551615", true, UINT64_MAX}, Case{"0xffffffffffffffff", false, UINT64_MAX},
        Case{"01777777777777777777777", false, UINT64_MAX}}) {
    auto value = std::get<ast::Integer>(only<ast::Set>(std::string("set x u64 ") + each.text).value.data);
    EXPECT_EQ(value.negative, each.negative) << each.text;
    EXPECT_EQ(value.magnitude, each.magnitude) << each.text;
    EXPECT_EQ(value.spelling, each.text);
  }
  for (const char *type : {"int", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"})
    EXPECT_EQ(only<ast::Set>(std::string("set x ") + type + " 1").type, ast::typeNamed(type)) << type;
}

TEST(Statements, FloatingPoint) {
  auto real = [](const std::string &text) {
    return std::get<ast::Real>(only<ast::Set>("set x f64 " + text).value.data).value;
  };
  EXPECT_EQ(real("1.5"), 1.5);
  EXPECT_EQ(real("-2e-3"), -2e-3);
  EXPECT_EQ(real("+.5"), 0.5);
  EXPECT_EQ(real("5."), 5.0);
  EXPECT_EQ(real("7"), 7.0);
  EXPECT_EQ(real("010"), 10.0) << "no octal here";
  EXPECT_EQ(real("0x1.8p3"), 12.0);
  EXPECT_EQ(real("-0X.8P+1"), -1.0);
  EXPECT_EQ(real("0x10"), 16.0);
  EXPECT_EQ(real("-inf"), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(real("nan")));
  EXPECT_EQ(real("1e-400"), 0.0) << "too small is rounded, as in C";
  EXPECT_EQ(canonical("set x f32 1.5 was nan"), "set x f32 1.5 was nan");
}

TEST(Statements, StrIsTheRestOfTheLineAsItStands) {
  EXPECT_EQ(bytesOf("str hello"), "hello");
  EXPECT_EQ(bytesOf("str \t  hello world  "), "hello world  ");
  EXPECT_EQ(bytesOf("str a # no \"comment"), "a # no \"comment");
  EXPECT_EQ(bytesOf("str # none"), "# none");
  EXPECT_EQ(bytesOf("str \"quoted\\n\""), "\"quoted\\n\"");
  EXPECT_EQ(bytesOf("str a was b"), "a was b") << "`was` cannot be told from the text";
  EXPECT_EQ(bytesOf("str grüße €"), "grüße €");
  EXPECT_EQ(bytesOf("str x\r\n"), "x");
  EXPECT_EQ(bytesOf("str a\rb\r\n"), "a\rb");
  EXPECT_EQ(bytesOf("str"), "");
  EXPECT_EQ(bytesOf("str   "), "");
  EXPECT_EQ(bytesOf(std::string("str a\0b", 7)), std::string("a\0b", 3));
}

TEST(Statements, Strings) {
  EXPECT_EQ(bytesOf("text \"a#b\""), "a#b");
  EXPECT_EQ(bytesOf("cstr \"ab\""), std::string("ab\0", 3));
  EXPECT_EQ(bytesOf("text \"\""), "");
  EXPECT_EQ(bytesOf(R"(text "\n\t\r\\\"\x41\xfF\101\7\0")"), std::string("\n\t\r\\\"A\xff"
                                                                         "A\a\0",
                                                                         10));
  EXPECT_EQ(bytesOf(R"(text "\x414\0617\3771")"), "A417\xff"
                                                  "1");
  EXPECT_EQ(bytesOf("text \"grüße\" was \"x\""), "grüße");
}

TEST(Statements, Hex) {
  EXPECT_EQ(bytesOf("hex 686578"), "hex");
  EXPECT_EQ(bytesOf("hex 68 6578"), "hex");
  EXPECT_EQ(bytesOf("hex 4A4b"), "JK");
  EXPECT_EQ(canonical("set x hex 68 65 was 00 fF"), "set x hex 6865 was 00ff");
}

// --- lines ----------------------------------------------------------------------------------------------------------

TEST(Statements, BlanksCommentsAndLineEnds) {
  EXPECT_EQ(outlineOf(""), "");
  EXPECT_EQ(outlineOf("\n\n  \t\n# only a comment\n   # another"), "");
  std::string one = "new a 1\nnew b 2\n";
  EXPECT_EQ(outlineOf("new a 1\r\nnew b 2\r\n"), outlineOf(one));
  EXPECT_EQ(outlineOf("new a 1\nnew b 2"), outlineOf(one));
  EXPECT_EQ(outlineOf("new\ta\f1#x\nnew b 2   # { y\n"), outlineOf(one));
  EXPECT_EQ(outlineOf("\xef\xbb\xbfnew a 1\nnew b 2\n"), outlineOf(one)) << "a byte order mark is no column";
  EXPECT_EQ(outlineOf("\n\n  jmp a b"),
            "jmp 3:3-3:10\n  from 3:7-3:8\n    symbol a 3:7-3:8\n  to 3:9-3:10\n    symbol b 3:9-3:10\n");
}

TEST(Statements, ColumnsCountCodePoints) {
  EXPECT_EQ(outlineOf("jmp \"grüße\" \"€\"+1"), "jmp 1:1-1:18\n  from 1:5-1:12\n    symbol \"grüße\" 1:5-1:12\n  to "
                                                "1:13-1:18\n    symbol \"€\" 1:13-1:16\n    plus 1 1:17-1:18\n");
}

TEST(Statements, PlacesGoOnAcrossChunks) {
  std::string text;
  for (int i = 0; i < 1000; i++)
    text += i % 7 == 0 ? "# comment\n" : "new a 1\n";
  auto parsed = parseText(text);
  ASSERT_TRUE(parsed.diagnostics.empty());
  ASSERT_EQ(parsed.file.statements.size(), 857U);
  EXPECT_EQ(parsed.file.statements.back().place.line, 1000U);
}

} // namespace
} // namespace lpc
