// Wrong command lines: status 2, one message with the id `usage` and a remedy, nothing on standard output.
#include <gmock/gmock.h>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Wrong {
  std::string name;
  std::vector<std::string> words;
  std::string message; // the whole first line
  std::string help;    // the whole second line
};
void PrintTo(const Wrong &wrong, std::ostream *out) { *out << wrong.name; }

class Usage : public testing::TestWithParam<Wrong> {};

TEST_P(Usage, IsRefusedWithStatus2) {
  RunResult result = lpcWith(GetParam().words);
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, GetParam().message + " [usage]\n  help: " + GetParam().help + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    Cli, Usage,
    testing::Values(
        Wrong{"nothing", {}, "lpc: error: a command is missing", "see `lpc --help`"},
        Wrong{"unknownCommand", {"chek"}, "lpc: error: unknown command `chek`", "did you mean `check`?"},
        Wrong{"strangeCommand", {"frobnicate"}, "lpc: error: unknown command `frobnicate`", "see `lpc --help`"},
        Wrong{"noPatch", {"check"}, "lpc check: error: `lpc check` wants PATCH", "see `lpc check --help`"},
        Wrong{"twoPatches",
              {"check", "a.lp", "b.lp"},
              "lpc check: error: `b.lp` is one argument too many",
              "usage: lpc check PATCH [--target ELF] [--object NAME=FILE...] [--pid PID] [--public-key KEY] "
              "[--warning NAME...] [--explain ID] [--format text|json]"},
        Wrong{"unknownOption",
              {"apply", "a.lp", "--tiemout", "5s"},
              "lpc apply: error: unknown option `--tiemout`",
              "did you mean `--timeout`?"},
        Wrong{"optionOfAnother",
              {"check", "a.lp", "--dry-run"},
              "lpc check: error: unknown option `--dry-run`",
              "see `lpc check --help`"},
        Wrong{"unknownLetter",
              {"check", "-z", "a.lp"},
              "lpc check: error: unknown option `-z`",
              "see `lpc check --help`"},
        Wrong{"valueMissing",
              {"check", "a.lp", "--target"},
              "lpc check: error: `--target` wants a value: ELF",
              "see `lpc check --help`"},
        Wrong{"valueEmpty",
              {"check", "a.lp", "--target="},
              "lpc check: error: `--target` wants a value: ELF",
              "see `lpc check --help`"},
        Wrong{"valueOfFlag",
              {"apply", "a.lp", "--pid", "1", "--dry-run=yes"},
              "lpc apply: error: `--dry-run` takes no value",
              "see `lpc apply --help`"},
        Wrong{"twice",
              {"check", "a.lp", "--target", "a", "--target=b"},
              "lpc check: error: `--target` is given twice",
              "see `lpc check --help`"},
        Wrong{"format",
              {"check", "a.lp", "--format", "xml"},
              "lpc check: error: `--format` wants text|json, not `xml`",
              "see `lpc check --help`"},
        Wrong{"noProcess",
              {"apply", "a.lp"},
              "lpc apply: error: `lpc apply` wants a process: --pid PID",
              "see `lpc apply --help`"},
        Wrong{"twoProcesses",
              {"plan", "a.lp", "--pid", "1,2"},
              "lpc plan: error: `lpc plan` takes one process",
              "see `lpc plan --help`"},
        Wrong{"noNumber",
              {"apply", "a.lp", "--pid", "12x"},
              "lpc apply: error: `12x` is not a process id",
              "see `lpc apply --help`"},
        Wrong{"zero",
              {"apply", "a.lp", "--pid=0"},
              "lpc apply: error: `0` is not a process id",
              "see `lpc apply --help`"},
        Wrong{"time",
              {"apply", "a.lp", "--pid", "1", "--timeout", "5"},
              "lpc apply: error: `5` is not a time that `--timeout` takes",
              "write it as 5s, 10ms or 200us, at most a day"},
        Wrong{"object",
              {"check", "a.lp", "--object", "libc"},
              "lpc check: error: `--object` wants NAME=FILE, not `libc`",
              "see `lpc check --help`"},
        Wrong{"objectTwice",
              {"check", "a.lp", "--object", "c=a", "--object", "c=b"},
              "lpc check: error: `--object` names `c` twice",
              "see `lpc check --help`"},
        Wrong{"runWithoutPatch", {"run"}, "lpc run: error: `lpc run` wants PATCH...", "see `lpc run --help`"},
        Wrong{"runWithoutCommand",
              {"run", "a.lp"},
              "lpc run: error: `lpc run` wants a command behind `--`",
              "usage: lpc run PATCH... [--target ELF] [--object NAME=FILE...] [--timeout TIME] [--public-key KEY] "
              "[--warning NAME...] [--format text|json] -- COMMAND [ARG...]"},
        Wrong{"runWithoutBoth",
              {"run", "--", "true"},
              "lpc run: error: `lpc run` wants PATCH before `--`",
              "usage: lpc run PATCH... [--target ELF] [--object NAME=FILE...] [--timeout TIME] [--public-key KEY] "
              "[--warning NAME...] [--format text|json] -- COMMAND [ARG...]"},
        Wrong{"helpTopic", {"help", "aply"}, "lpc help: error: there is no command `aply`", "did you mean `apply`?"}),
    [](const auto &test) { return test.param.name; });

TEST(Livepatch, WantsPidAndTarget) {
  RunResult result = livepatchWith({"4711"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.err, "livepatch: error: `livepatch` wants PID TARGET [usage]\n  help: see `livepatch --help`\n");
}

TEST(Livepatch, WantsANumber) {
  RunResult result = livepatchWith({"target", "./target"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.err,
            "livepatch: error: `target` is not a process id [usage]\n  help: usage: livepatch PID TARGET < SCRIPT\n");
}

TEST(Livepatch, TakesTheOptionsOf2004) {
  for (const char *option : {"--quiet", "--verbose", "--debug", "-q", "-v", "-d", "-qvd"}) {
    RunResult result = livepatchWith({option, "999999999", "/dev/null"}, "set 0 int 1\n");
    EXPECT_EQ(result.status, 3) << option; // there is no such process, and the option is none of its problems
    EXPECT_THAT(result.err, HasSubstr("[no-such-process]")) << option;
  }
}

TEST(Help, IsForEveryCommand) {
  for (const char *command : {"check", "plan", "apply", "run", "revert", "status", "dump", "help"}) {
    RunResult result = lpcWith({command, "--help"});
    EXPECT_EQ(result.status, 0) << command;
    EXPECT_EQ(result.err, "") << command;
    EXPECT_THAT(result.out, StartsWith(std::string("lpc ") + command + ": "));
    EXPECT_EQ(result.out, lpcWith({"help", command}).out);
  }
  EXPECT_EQ(livepatchWith({"--help"}).out, lpcWith({"help", "livepatch"}).out);
}

TEST(Help, GivesTheVersion) {
  RunResult result = lpcWith({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, testing::MatchesRegex("lpc [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(livepatchWith({"--version"}).out, result.out);
}

TEST(Help, ListsCommandsAndInstructions) {
  EXPECT_EQ(lpcWith({"--help"}).out, lpcWith({"help"}).out);
  EXPECT_THAT(lpcWith({"help"}).out, HasSubstr("\n  apply PATCH "));
  EXPECT_THAT(lpcWith({"help", "instructions"}).out, HasSubstr("\n  jmp ADDR1 ADDR2 "));
}

} // namespace
} // namespace lpc::test
