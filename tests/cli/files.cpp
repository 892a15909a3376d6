// Patches from files, from standard input, as text and as IR.
#include <gmock/gmock.h>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

TEST(Files, ThatAreNotThere) {
  RunResult result = lpcWith({"check", "/no/such/file.lp"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "lpc check: error: cannot open `/no/such/file.lp`: No such file or directory [cannot-open]\n");
}

TEST(Files, ThatAreFolders) {
  RunResult result = lpcWith({"check", "/tmp"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "lpc check: error: cannot read `/tmp`: Is a directory [cannot-open]\n");
}

TEST(Files, FromStandardInput) {
  RunResult result = lpcWith({"check", "-", "--target", kServer}, "set counter int 8\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "-: ok: 1 change, for " + kServer + " (build-id 5e7e0001…)\n");
  EXPECT_EQ(result.err, "");
}

TEST(Files, OptionsEndAtTwoHyphens) {
  RunResult result = lpcWith({"check", "--", "--target"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot open `--target`"));
}

TEST(Files, TheTargetIsRelativeToThePatch) {
  Folder folder;
  (void)folder.write("server", "");
  std::string patch = folder.write("hotfix.lp", "target server\nset counter int 8\n");
  RunResult result = lpcWith({"check", patch});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("[not-elf]")); // the empty file beside the patch was found
}

TEST(Files, TheCommandLineOverridesTheTarget) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", "target no/such/file\nset counter int 8\n");
  EXPECT_EQ(lpcWith({"check", patch}).status, 1);
  EXPECT_EQ(lpcWith({"check", patch, "--target", kServer}).status, 0);
}

TEST(Files, TheIrStandsForThePatch) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", "target " + kServer + "\nset counter int 8\njmp greet pair\n");
  RunResult ir = lpcWith({"dump", patch, "--emit", "ir"});
  ASSERT_EQ(ir.status, 0) << ir.err;
  std::string file = folder.write("hotfix.lpir", ir.out);
  RunResult again = lpcWith({"dump", file});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, ir.out);
  EXPECT_EQ(lpcWith({"check", file}).status, 0);
}

TEST(Files, DamagedIrIsRefused) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", "target " + kServer + "\nset counter int 8\n");
  std::string ir = lpcWith({"dump", patch}).out;
  for (size_t length : {ir.size() / 4, ir.size() / 2, ir.size() - 5}) {
    RunResult result = lpcWith({"check", "-"}, ir.substr(0, length));
    EXPECT_EQ(result.status, 1) << length;
    EXPECT_THAT(result.err, HasSubstr("[bad-ir]")) << length;
  }
}

TEST(Files, NamesOfTheIrAreNotLookedUpAgain) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", "target " + kServer + "\nset counter int 8\n");
  std::string ir = lpcWith({"dump", patch}).out;
  RunResult result = lpcWith({"check", "-", "--target", kServer}, ir);
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("`-` is IR, in which every name is resolved already"));
}

TEST(Files, TheIrHasNoSyntaxTree) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", "target " + kServer + "\nset counter int 8\n");
  RunResult result = lpcWith({"dump", "-", "--emit", "ast"}, lpcWith({"dump", patch}).out);
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("the IR has no syntax tree"));
}

TEST(Files, AResultThatCannotBeWrittenIsNoSuccess) {
  RunResult result = run({"bash", "-c", LPC_COMMAND " --help > /dev/full"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "lpc: standard output: No space left on device\n");
}

TEST(Processes, ThatAreNotThere) {
  const std::string pid = "999999999";
  for (const std::vector<std::string> &words : std::vector<std::vector<std::string>>{{"check", "-", "--pid", pid},
                                                                                     {"dump", "-", "--pid", pid},
                                                                                     {"plan", "-", "--pid", pid},
                                                                                     {"apply", "-", "--pid", pid},
                                                                                     {"revert", "hotfix", "--pid", pid},
                                                                                     {"status", "--pid", pid}}) {
    RunResult result = lpcWith(words, "set counter int 8\n");
    EXPECT_EQ(result.status, 3) << words[0];
    EXPECT_EQ(result.out, "") << words[0];
    EXPECT_EQ(result.err, "lpc " + words[0] + ": error: there is no process " + pid +
                              " [no-such-process]\n  state: there is no process " + pid + "; nothing was changed\n");
  }
}

TEST(Files, NoColourWithoutATerminal) {
  RunResult result = lpcWith({"check", "-", "--target", kServer}, "frob\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, testing::Not(HasSubstr("\x1b")));
}

} // namespace
} // namespace lpc::test
