// The canonical layout: what it looks like, that it is its own layout, and that it says the same.
#include "frontend/parse/format.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "parse_helpers.h"
#include "random_statements.h"

namespace lpc {
namespace {

std::string formatted(const std::string &text) {
  Diagnostics diagnostics;
  return format(SourceText("p.lp", text), diagnostics).value_or("(errors)");
}

std::vector<std::string> statementsOf(const std::string &text) {
  std::vector<std::string> out;
  for (const ast::Statement &statement : test::parseText(text).file.statements)
    out.push_back(ast::statementText(statement));
  return out;
}

// `text` parses; its layout says the same and is its own layout.
void expectSound(const std::string &text) {
  std::string once = formatted(text);
  ASSERT_NE(once, "(errors)") << text;
  ASSERT_EQ(formatted(once), once) << text;
  ASSERT_EQ(statementsOf(once), statementsOf(text)) << text;
}

size_t timesIn(const std::string &text, const std::string &part) {
  size_t times = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    times++;
  return times;
}

TEST(Format, ChoosesOneLayout) {
  EXPECT_EQ(formatted("\n\n  # a hotfix  \r\npatch   hotfix version  \"1\"\n\n\n\n"
                      "set  a  +  0x10 int  5   was 4 # why\n"
                      "\tjmp longer_name   $fix:entry# and here\n"
                      "set s str  as it stands  # to the end \n"
                      "dl fix a.so with b=c,d = e\n\n\n"),
            "# a hotfix\npatch hotfix version \"1\"\n\n"
            "set a+0x10 int 5 was 4      # why\n"
            "jmp longer_name $fix:entry  # and here\n"
            "set s str as it stands  # to the end \n"
            "dl fix a.so with b = c, d = e\n");
}

TEST(Format, AlignsCommentsOfNeighboursUnlessTheyAreFar) {
  std::string far = "jmp " + std::string(70, 'a') + " b";
  EXPECT_EQ(formatted("let a = b # 1\nlet cc = d # 2\n# own\nnop a 5 # 3\n"),
            "let a = b   # 1\nlet cc = d  # 2\n# own\n"
            "nop a 5  # 3\n");
  EXPECT_EQ(formatted("nop a 5 # 1\n" + far + " # 2\n"), "nop a 5  # 1\n" + far + "  # 2\n");
}

TEST(Format, KeepsWhatIsNoStatementAtTheEndsOfAFile) {
  EXPECT_EQ(formatted(""), "");
  EXPECT_EQ(formatted("\n \n"), "");
  EXPECT_EQ(formatted("# only this"), "# only this\n");
  EXPECT_EQ(formatted("\xef\xbb\xbfnop a 5"), "nop a 5\n");
}

TEST(Format, FindsCommentsBehindLettersOfSeveralBytes) {
  EXPECT_EQ(formatted("set \"é日\" int 1 # é"), "set \"é日\" int 1  # é\n");
}

TEST(Format, RefusesWhatDoesNotParse) { EXPECT_EQ(formatted("set a int 5\nset b\n"), "(errors)"); }

TEST(Format, IsSoundForEveryFileOfTheTests) {
  size_t checked = 0;
  for (const char *folder : {"/tests", "/samples", "/bench"})
    for (const auto &entry : std::filesystem::recursive_directory_iterator(std::string(LPC_SOURCE_DIR) + folder)) {
      if (entry.path().extension() != ".lp") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::string text(std::istreambuf_iterator<char>(file), {});
      if (formatted(text) == "(errors)") continue;
      expectSound(text);
      checked++;
    }
  EXPECT_GE(checked, 120U);
}

TEST(Format, IsSoundForRandomPrograms) {
  test::RandomStatements generator(7);
  std::mt19937 random(8);
  auto blanks = [&](size_t least) { return std::string(least + random() % 3, " \t"[random() % 2]); };
  for (size_t i = 0; i < 100'000; i++) {
    std::string text;
    std::set<size_t> headers;
    bool inHeader = true;
    for (size_t lines = random() % 8; lines > 0; lines--) {
      ast::Statement statement = generator.statement();
      bool isHeader = statement.what.index() < 3; // they stand first, and `patch` and `target` once
      if (isHeader && (!inHeader || !headers.insert(statement.what.index()).second)) continue;
      inHeader = isHeader;
      std::string line = ast::statementText(statement);
      const auto *set = std::get_if<ast::Set>(&statement.what);
      const auto *expect = std::get_if<ast::Expect>(&statement.what);
      bool isStr =
          (set != nullptr && set->type == ast::Type::Str) || (expect != nullptr && expect->type == ast::Type::Str);
      text += blanks(0) + line;
      if (!isStr && random() % 2) text += blanks(1) + "# \"é" + blanks(0);
      text += random() % 4 == 0 && !isStr ? "\r\n" : "\n";
      if (random() % 3 == 0) text += blanks(0) + (random() % 2 ? "\n" : "\n\n  # alone\n");
    }
    expectSound(text);
    for (const char *comment : {"# \"é", "# alone"})
      ASSERT_EQ(timesIn(formatted(text), comment), timesIn(text, comment)) << text;
    if (HasFatalFailure()) FAIL() << "program " << i;
  }
}

} // namespace
} // namespace lpc
