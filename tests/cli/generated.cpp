// What is made from the tables is accepted by those that read it.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

TEST(Completion, IsBash) {
  RunResult script = lpcWith({"help", "--emit", "bash"});
  ASSERT_EQ(script.status, 0);
  RunResult syntax = run({"bash", "-n"}, script.out);
  EXPECT_EQ(syntax.status, 0) << syntax.err;
}

// Asks the completion what bash would: the words so far, the last of them unfinished.
std::string completed(const std::string &words) {
  std::string script = lpcWith({"help", "--emit", "bash"}).out;
  script +=
      "COMP_WORDS=(" + words + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lpc; printf '%s ' \"${COMPREPLY[@]}\"\n";
  return run({"bash"}, script).out;
}

TEST(Completion, KnowsCommandsOptionsAndValues) {
  EXPECT_EQ(completed("lpc ch"), "check ");
  EXPECT_EQ(completed("lpc apply --max"), "--max-pause ");
  EXPECT_EQ(completed("lpc check --max"), " "); // not an option of check
  EXPECT_EQ(completed("lpc check --format j"), "json ");
  EXPECT_EQ(completed("lpc help --emit z"), "zsh ");
}

TEST(Manual, HasAPageForEveryCommandThatGroffReads) {
  if (run({"groff", "--version"}).status != 0) GTEST_SKIP() << "groff is not installed";
  size_t pages = 0;
  for (const auto &entry : std::filesystem::directory_iterator(LPC_PAGES)) {
    if (entry.path().extension() != ".1") continue;
    ++pages;
    RunResult page = run({"groff", "-man", "-Tutf8", "-ww", "-z", entry.path()});
    EXPECT_EQ(page.status, 0) << entry.path();
    EXPECT_EQ(page.err, "") << entry.path();
  }
  EXPECT_EQ(pages, 12U); // lpc, its nine commands, livepatch
}

TEST(Manual, ShowsOptionsAsTheyAreTyped) {
  RunResult page = lpcWith({"help", "apply", "--emit", "man"});
  EXPECT_THAT(page.out, HasSubstr(".TH \"lpc-apply\" 1"));
  EXPECT_THAT(page.out, HasSubstr("\\fB\\-\\-max\\-pause\\fR \\fITIME\\fR"));
}

} // namespace
} // namespace lpc::test
