// Started with standard input, output or error closed, or on a full disk: nothing of what lpc says goes into a file
// that it opened itself, and the end tells what became of the process.
#include "tests/live/run.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

// Every set of closed descriptors, as a shell says it.
const std::vector<std::string> kClosed = {"<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-", ""};

RunResult shell(const std::vector<std::string> &words, const std::string &redirections) {
  std::string line;
  for (const std::string &word : words)
    line += word + " ";
  return run({"bash", "-c", line + redirections});
}

class ClosedFilesOfRun : public Run {};

// The program finds closed what was closed, and its first file gets the number that it would get without lpc.
TEST_F(ClosedFilesOfRun, AreThoseOfTheProgram) {
  folder_.write("program.c", R"(
    #include <fcntl.h>
    #include <stdio.h>
    int main(int count, char **words) {
      int is[3];
      for (int i = 0; i < 3; i++) is[i] = fcntl(i, F_GETFD);
      FILE *file = fopen(words[count - 1], "w");
      return fprintf(file, "%d %d %d, next %d\n", is[0], is[1], is[2], fileno(file)) < 0;
    })");
  ASSERT_EQ(run({"gcc", "-O1", "-o", "program", "program.c"}).status, 0);
  folder_.write("fix.lp", "patch fix\ntarget program\nnew room 64\n");
  for (const std::string &closed : kClosed) {
    ASSERT_EQ(shell({"./program", "plain"}, closed).status, 0) << closed;
    RunResult patched = shell(words({"patched"}), closed);
    EXPECT_EQ(patched.status, 0) << closed << patched.err;
    EXPECT_EQ(patched.err, "") << closed;
    EXPECT_EQ(run({"cmp", "plain", "patched"}).status, 0) << closed << run({"cat", "plain", "patched"}).out;
  }
}

class ClosedFiles : public testing::Test {
protected:
  ClosedFiles() {
    folder_.write("fix.lp", "patch fix\nset number int 6\n");
    folder_.write("bad.lp", "patch bad\nset no_such_number int 6\n");
  }
  RunResult lpcOn(const std::string &words, const std::string &redirections) {
    return shell({LPC_COMMAND, words, "--pid", service_.pidText()}, redirections);
  }
  std::string status() { return lpc({"status", "--pid", service_.pidText()}).out; }

  WorkFolder folder_;
  Service service_{2};
};

TEST_F(ClosedFiles, HoldNothingOfTheProcess) {
  for (const std::string &closed : kClosed) {
    const bool silent = closed.contains(" >&-") || closed.starts_with(">&-");
    RunResult done = lpcOn("apply fix.lp", closed);
    EXPECT_EQ(done.status, silent ? 5 : 0) << closed << done.err;
    EXPECT_THAT(status(), HasSubstr("fix: applied")) << closed;
    EXPECT_EQ(lpcOn("apply bad.lp", closed).status, 1) << closed;
    EXPECT_EQ(lpcOn("revert fix", closed).status, silent ? 5 : 0) << closed;
    service_.expectUntouched();
  }
}

TEST_F(ClosedFiles, AFullDiskIsNoErrorOfThePatch) {
  RunResult done = lpcOn("apply fix.lp", ">/dev/full");
  EXPECT_EQ(done.status, 5);
  EXPECT_EQ(done.err, "lpc: standard output: No space left on device\n"
                      "  state: what was done stands; `lpc status` says what is on which process\n");
  EXPECT_THAT(status(), HasSubstr("fix: applied"));
  EXPECT_EQ(lpcOn("status", ">/dev/full").status, 1);
  EXPECT_EQ(lpcOn("revert other", ">/dev/full").status, 3);
  EXPECT_EQ(lpcOn("revert fix --format json", ">/dev/full").status, 5);
  service_.expectUntouched();
}

} // namespace
} // namespace lpc::test
