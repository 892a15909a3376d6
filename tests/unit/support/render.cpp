// The whole output of render(), compared as it is printed.
#include <gtest/gtest.h>

#include "ir/support/diagnostic.h"

namespace lpc {
namespace {

const std::string kPatch = "patch hotfix\n"
                           "target ./server\n"
                           "dl fix patch.so\n"
                           "\n"
                           "set str_P addr $fix:text\n"
                           "\n"
                           "jmp handle_request+6 $fix:entry\n";

std::string rendered(const Diagnostic &diagnostic, const std::string &text = kPatch) {
  return render(diagnostic, SourceText("hotfix.lp", text), false);
}

TEST(Render, showsTheExampleOfTheConventions) {
  Diagnostic diagnostic{.id = DiagnosticId::NotAnInstruction,
                        .place = {7, 5, 7, 21},
                        .message = "`handle_request+6` is not the start of an instruction",
                        .under = "inside `mov rbp, rsp`",
                        .notes = {{"./server, handle_request",
                                   {},
                                   {"0x12a40 +0  f3 0f 1e fa  endbr64", "0x12a44 +4  55           push rbp",
                                    "-> 0x12a45 +5  48 89 e5     mov rbp, rsp"}}},
                        .help = "use `handle_request+5`"};
  EXPECT_EQ(rendered(diagnostic),
            "hotfix.lp:7:5: error: `handle_request+6` is not the start of an instruction [not-an-instruction]\n"
            "    7 | jmp handle_request+6 $fix:entry\n"
            "      |     ^~~~~~~~~~~~~~~~ inside `mov rbp, rsp`\n"
            "  note: ./server, handle_request\n"
            "        0x12a40 +0  f3 0f 1e fa  endbr64\n"
            "        0x12a44 +4  55           push rbp\n"
            "     -> 0x12a45 +5  48 89 e5     mov rbp, rsp\n"
            "  help: use `handle_request+5`\n");
}

TEST(Render, showsAMessageWithoutAPlace) {
  Diagnostic diagnostic{.id = DiagnosticId::BuildIdMismatch,
                        .message = "process 4711 does not run the program that this patch is for",
                        .notes = {{"", {}, {"patch    hotfix.lpb", "process  4711"}}},
                        .help = "rebuild against what runs"};
  const std::string body = "error: process 4711 does not run the program that this patch is for [build-id-mismatch]\n"
                           "  patch    hotfix.lpb\n"
                           "  process  4711\n"
                           "  help: rebuild against what runs\n";
  EXPECT_EQ(render(diagnostic, SourceText("lpc apply", ""), false), "lpc apply: " + body);
  EXPECT_EQ(render(diagnostic, SourceText(), false), body);
}

TEST(Render, showsTheLineOfANote) {
  Diagnostic diagnostic{.id = DiagnosticId::DuplicateMemory,
                        .place = {5, 5, 5, 10},
                        .message = "`$fix` is defined twice",
                        .notes = {{"first defined here", {3, 4, 3, 7}, {}}, {"a second note", {}, {}}}};
  EXPECT_EQ(rendered(diagnostic), "hotfix.lp:5:5: error: `$fix` is defined twice [duplicate-memory]\n"
                                  "    5 | set str_P addr $fix:text\n"
                                  "      |     ^~~~~\n"
                                  "  note: first defined here\n"
                                  "    3 | dl fix patch.so\n"
                                  "      |    ^~~\n"
                                  "  note: a second note\n");
}

TEST(Render, namesPlacesWhoseTextIsNotThere) {
  Diagnostic diagnostic{.id = DiagnosticId::BytesDiffer,
                        .place = {5, 5, 5, 10},
                        .message = "other bytes",
                        .notes = {{"made here", {3, 4, 3, 7}, {}}}};
  EXPECT_EQ(rendered(diagnostic, ""), "hotfix.lp:5:5: error: other bytes [bytes-differ]\n"
                                      "  note: hotfix.lp:3:4: made here\n");
  EXPECT_EQ(render(diagnostic, SourceText("", ""), false), "line 5:5: error: other bytes [bytes-differ]\n"
                                                           "  note: line 3:4: made here\n");
}

TEST(Render, warns) {
  Diagnostic diagnostic{
      .id = DiagnosticId::WritableCode, .severity = Severity::Warning, .place = {3, 1, 3, 3}, .message = "m"};
  EXPECT_EQ(rendered(diagnostic), "hotfix.lp:3:1: warning: m [writable-code]\n"
                                  "    3 | dl fix patch.so\n"
                                  "      | ^~\n");
}

TEST(Render, marksOneCharacterWhereTheRangeIsEmpty) {
  Diagnostic diagnostic{.id = DiagnosticId::SyntaxError, .place = {3, 16, 3, 16}, .message = "m", .under = "here"};
  EXPECT_EQ(rendered(diagnostic), "hotfix.lp:3:16: error: m [syntax-error]\n"
                                  "    3 | dl fix patch.so\n"
                                  "      |                ^ here\n");
}

TEST(Render, marksToTheEndOfTheFirstLineOfSeveral) {
  Diagnostic diagnostic{.id = DiagnosticId::SyntaxError, .place = {2, 8, 3, 3}, .message = "m"};
  EXPECT_EQ(rendered(diagnostic), "hotfix.lp:2:8: error: m [syntax-error]\n"
                                  "    2 | target ./server\n"
                                  "      |        ^~~~~~~~\n");
}

TEST(Render, keepsCaretsOnTheLineWhenThePlaceIsPastIt) {
  Diagnostic diagnostic{.id = DiagnosticId::SyntaxError, .place = {2, 4000000000U, 2, 4294967295U}, .message = "m"};
  EXPECT_EQ(rendered(diagnostic), "hotfix.lp:2:4000000000: error: m [syntax-error]\n"
                                  "    2 | target ./server\n"
                                  "      |                ^\n");
  diagnostic.place = {2, 8, 2, 3}; // ends before it begins
  EXPECT_EQ(rendered(diagnostic), "hotfix.lp:2:8: error: m [syntax-error]\n"
                                  "    2 | target ./server\n"
                                  "      |        ^\n");
}

TEST(Render, showsTheEndOfTheFileOnlyWithWords) {
  Diagnostic diagnostic{.id = DiagnosticId::SyntaxError, .place = {8, 1, 8, 1}, .message = "m"};
  EXPECT_EQ(rendered(diagnostic), "hotfix.lp:8:1: error: m [syntax-error]\n");
  diagnostic.under = "the file ends here";
  EXPECT_EQ(rendered(diagnostic), "hotfix.lp:8:1: error: m [syntax-error]\n"
                                  "    8 |\n"
                                  "      | ^ the file ends here\n");
}

TEST(Render, expandsTabs) {
  Diagnostic diagnostic{.id = DiagnosticId::UnknownSymbol, .place = {1, 6, 1, 9}, .message = "m"};
  EXPECT_EQ(rendered(diagnostic, "\tset\tfoo 1\n"), "hotfix.lp:1:6: error: m [unknown-symbol]\n"
                                                    "    1 |         set     foo 1\n"
                                                    "      |                 ^~~\n");
}

TEST(Render, countsWideAndCombiningCharacters) {
  Diagnostic diagnostic{.id = DiagnosticId::UnknownSymbol, .place = {1, 8, 1, 11}, .message = "m"};
  EXPECT_EQ(rendered(diagnostic, "set 変数 foo\n"), "hotfix.lp:1:8: error: m [unknown-symbol]\n"
                                                    "    1 | set 変数 foo\n"
                                                    "      |          ^~~\n");
  diagnostic.place = {1, 5, 1, 7}; // the wide characters themselves
  EXPECT_EQ(rendered(diagnostic, "set 変数 foo\n"), "hotfix.lp:1:5: error: m [unknown-symbol]\n"
                                                    "    1 | set 変数 foo\n"
                                                    "      |     ^~~~\n");
  diagnostic.place = {1, 9, 1, 12}; // e + U+0301: two code points, one column
  EXPECT_EQ(rendered(diagnostic, "set e\u0301x foo\n"), "hotfix.lp:1:9: error: m [unknown-symbol]\n"
                                                        "    1 | set e\u0301x foo\n"
                                                        "      |        ^~~\n");
}

TEST(Render, spellsOutWhatATerminalWouldObey) {
  Diagnostic diagnostic{.id = DiagnosticId::UnknownSymbol,
                        .place = {1, 11, 1, 14},
                        .message = "no `\x1b[2J`",
                        .under = "\x07",
                        .notes = {{"\x1b]0;owned\x07", {}, {"-> \u202e\x9b"}}},
                        .help = "\r"};
  std::string text = render(diagnostic, SourceText("a\x1b.lp", "s\x1b[31m \xff\u202e foo\r\n"), false);
  EXPECT_EQ(text, "a\\x1b.lp:1:11: error: no `\\x1b[2J` [unknown-symbol]\n"
                  "    1 | s\\x1b[31m \\xff\\u{202e} foo\n"
                  "      |                        ^~~ \\x07\n"
                  "  note: \\x1b]0;owned\\x07\n"
                  "     -> \\u{202e}\\x9b\n"
                  "  help: \\x0d\n");
}

TEST(Render, showsTheMarkedPartOfALongLine) {
  std::string line = "set x hex " + std::string(1000, 'a') + "ZZZ" + std::string(1000, 'b');
  Diagnostic diagnostic{.id = DiagnosticId::BadHex, .place = {1, 1011, 1, 1014}, .message = "m", .under = "no digits"};
  EXPECT_EQ(rendered(diagnostic, line + "\n"), "hotfix.lp:1:1011: error: m [bad-hex]\n"
                                               "    1 | …" +
                                                   std::string(60, 'a') + "ZZZ" + std::string(137, 'b') +
                                                   "…\n"
                                                   "      | " +
                                                   std::string(61, ' ') + "^~~ no digits\n");
  diagnostic.place = {1, 11, 1, 2014}; // longer than what is shown
  EXPECT_EQ(rendered(diagnostic, line + "\n"), "hotfix.lp:1:11: error: m [bad-hex]\n"
                                               "    1 | set x hex " +
                                                   std::string(190, 'a') +
                                                   "…\n"
                                                   "      | " +
                                                   std::string(10, ' ') + "^" + std::string(189, '~') + " no digits\n");
}

TEST(Render, widensTheGutterForLargeNumbers) {
  Diagnostic diagnostic{.id = DiagnosticId::SyntaxError, .place = {123456, 1, 123456, 2}, .message = "m"};
  EXPECT_EQ(rendered(diagnostic, std::string(123455, '\n') + "x"), "hotfix.lp:123456:1: error: m [syntax-error]\n"
                                                                   "123456 | x\n"
                                                                   "       | ^\n");
}

TEST(Render, coloursOnlyWhenAsked) {
  Diagnostic diagnostic{
      .id = DiagnosticId::SyntaxError, .place = {2, 8, 2, 16}, .message = "m", .notes = {{"n", {}, {}}}, .help = "h"};
  SourceText source("hotfix.lp", kPatch);
  EXPECT_EQ(render(diagnostic, source, true), "\x1b[1mhotfix.lp:2:8: \x1b[0m\x1b[1;31merror:\x1b[0m m [syntax-error]\n"
                                              "    2 | target ./server\n"
                                              "      |        \x1b[1;32m^~~~~~~~\x1b[0m\n"
                                              "  \x1b[1;36mnote:\x1b[0m n\n"
                                              "  \x1b[1;32mhelp:\x1b[0m h\n");
  EXPECT_EQ(render(diagnostic, source, false).find('\x1b'), std::string::npos);
}

// A file that is no patch may be one line of a gigabyte: what is said about it stays short, and is soon said.
TEST(Render, showsALittleOfMegabytes) {
  constexpr uint32_t kLong = 20'000'000;
  const std::string line(kLong, 'x');
  Diagnostic diagnostic{.id = DiagnosticId::SyntaxError, .place = {1, 1, 1, kLong + 1}, .message = line};
  diagnostic.help = line;
  diagnostic.notes = {{line, {1, kLong, 1, kLong + 1}, {line}}};
  const std::string cut = std::string(4000, 'x') + "…";
  const std::string behind = "    1 | …" + std::string(61, 'x') + "\n      | " + std::string(61, ' ') + "^\n";
  EXPECT_EQ(rendered(diagnostic, line), "hotfix.lp:1:1: error: " + cut + " [syntax-error]\n    1 | " +
                                            std::string(200, 'x') + "…\n      | ^" + std::string(199, '~') +
                                            "\n  note: " + cut + "\n" + behind + "        " + cut + "\n  help: " + cut +
                                            "\n");
  diagnostic = {.id = DiagnosticId::SyntaxError, .place = {1, 100, 1, 101}, .message = "m"};
  EXPECT_EQ(rendered(diagnostic, line + "y"), "hotfix.lp:1:100: error: m [syntax-error]\n    1 | …" +
                                                  std::string(200, 'x') + "…\n      | " + std::string(61, ' ') + "^\n");
}

TEST(Render, cutsBetweenCharacters) {
  std::string text(3999, 'x');
  Diagnostic diagnostic{.id = DiagnosticId::SyntaxError, .message = text + "変数"};
  EXPECT_EQ(rendered(diagnostic, ""), "hotfix.lp: error: " + text + "… [syntax-error]\n");
}

} // namespace
} // namespace lpc
