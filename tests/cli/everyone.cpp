// --all: every process that a patch is for, whatever its name, each a transaction of its own.
#include <gmock/gmock.h>

#include <filesystem>
#include <list>

#include "ir/support/sha256.h"
#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class Everyone : public testing::Test {
protected:
  // A program and a patch of their own, so that nobody else's test is found.
  Everyone() {
    std::string id = toHex(sha256(asBytes(folder_.path("")))).substr(0, 16);
    EXPECT_EQ(run({"cc", "-DANSWER=5", LPC_SOURCE_DIR "/tests/cli/targets/waiter.c", "-o", folder_.path("server"),
                   "-Wl,--build-id=0x" + id})
                  .status,
              0);
    std::filesystem::copy(folder_.path("server"), folder_.path("renamed"));
    for (const char *name : {"server", "server", "renamed"}) {
      children_.emplace_back(std::vector<std::string>{folder_.path(name)});
      EXPECT_EQ(children_.back().line(), "ready");
    }
    std::filesystem::remove(folder_.path("renamed"));
    name_ = "hotfix_" + id;
    patch_ = patchThatSets(8);
  }

  std::string patchThatSets(int value) {
    return folder_.write("hotfix.lp",
                         "patch " + name_ + "\ntarget server\nset counter int " + std::to_string(value) + "\n");
  }

  Folder folder_;
  std::list<Child> children_;
  Child other_{{LPC_WAITER "same_id"}};
  std::string name_, patch_;
};

TEST_F(Everyone, ThatRunsTheProgramIsPatchedAndReverted) {
  RunResult applied = lpcWith({"apply", patch_, "--all"});
  EXPECT_EQ(applied.status, 0) << applied.err;
  for (const Child &child : children_)
    EXPECT_THAT(applied.out, testing::ContainsRegex("\n *" + std::to_string(child.pid()) + "  /.* applied +[0-9-]"));
  EXPECT_THAT(applied.out, testing::ContainsRegex("^ *PID  PROGRAM +RESULT +PAUSE  REASON\n"));
  EXPECT_THAT(applied.out, testing::ContainsRegex("\n3 processes: 3 applied"));
  EXPECT_THAT(lpcWith({"status", "--pid", std::to_string(other_.pid())}).out, HasSubstr("no patches"));
  EXPECT_THAT(lpcWith({"apply", patch_, "--all"}).out, HasSubstr("3 processes: 3 already-applied"));

  RunResult reverted = lpcWith({"revert", name_, "--all"});
  EXPECT_EQ(reverted.status, 0) << reverted.err;
  EXPECT_THAT(reverted.out, HasSubstr("3 processes: 3 reverted"));
}

TEST_F(Everyone, MayHaveEnded) {
  children_.pop_front();
  EXPECT_THAT(lpcWith({"apply", patch_, "--all"}).out, HasSubstr("2 processes: 2 applied"));
  children_.clear();
  RunResult nobody = lpcWith({"apply", patch_, "--all"});
  EXPECT_EQ(nobody.status, 3);
  EXPECT_THAT(nobody.err,
              HasSubstr("lpc apply: error: no process runs the program that the patch is for [nothing-runs]"));
  EXPECT_THAT(nobody.err, HasSubstr("  state: no process was touched\n"));
  RunResult none = lpcWith({"revert", "no-such-patch-of-anybody", "--all"});
  EXPECT_EQ(none.status, 3);
  EXPECT_THAT(none.err, HasSubstr("no process has a patch named `no-such-patch-of-anybody` [nothing-runs]"));
}

TEST_F(Everyone, IsNotAskedWhereThePatchHasErrors) {
  (void)folder_.write("hotfix.lp", "target server\nset no_such_name int 8\n");
  RunResult result = lpcWith({"apply", patch_, "--all"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("[unknown-symbol]"));
  EXPECT_THAT(lpcWith({"apply", patch_, "--all", "--pid", "1"}).err,
              HasSubstr("`--all` and `--pid` exclude each other"));
}

TEST_F(Everyone, DoesWhatWasPlannedOrNothing) {
  std::string pid = std::to_string(children_.front().pid());
  std::string plan = lpcWith({"plan", patch_, "--pid", pid}).out;
  size_t at = plan.find("digest ");
  ASSERT_NE(at, std::string::npos);
  std::string digest = plan.substr(at + 7, 64);
  EXPECT_EQ(lpcWith({"plan", patch_, "--pid", pid}).out, plan); // planning changes nothing, so it is the same again
  patchThatSets(9);
  RunResult other = lpcWith({"apply", patch_, "--pid", pid, "--expect-plan", digest});
  EXPECT_EQ(other.status, 3);
  EXPECT_THAT(other.err, HasSubstr("what would be done to process " + pid + " is not what was planned [plan-differs]"));
  EXPECT_THAT(other.err, HasSubstr("expected  " + digest));
  EXPECT_THAT(other.err, HasSubstr("state: process " + pid + " was not stopped; nothing was changed"));
  patchThatSets(8);
  RunResult applied = lpcWith({"apply", patch_, "--pid", pid, "--expect-plan", digest});
  EXPECT_EQ(applied.status, 0) << applied.err;
  RunResult usage = lpcWith({"apply", patch_, "--pid", pid, "--expect-plan", "12"});
  EXPECT_EQ(usage.status, 2);
  EXPECT_THAT(usage.err, HasSubstr("`12` is not a digest as `lpc plan` prints it"));
}

} // namespace
} // namespace lpc::test
