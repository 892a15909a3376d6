// Names come from the file that is given, and only if the process runs that build.
#include <gmock/gmock.h>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

std::string waiter(const std::string &build) { return LPC_WAITER + build; }

class SameProgram : public testing::Test {
protected:
  // Checks a patch with the names of one build against a process that runs another.
  RunResult check(const std::string &given, const std::string &runs, const std::string &patch = "set counter int 8\n") {
    Child child({waiter(runs)});
    EXPECT_EQ(child.line(), "ready");
    pid_ = std::to_string(child.pid());
    ProcessState before = stateOf(child.pid());
    RunResult result = lpcWith({"check", "-", "--target", waiter(given), "--pid", pid_}, patch);
    EXPECT_EQ(stateOf(child.pid()), before);
    return result;
  }
  std::string pid_;
};

TEST_F(SameProgram, ByBuildId) { EXPECT_EQ(check("same_id", "same_id").status, 0); }

TEST_F(SameProgram, AnUnstrippedTwinIs) { EXPECT_EQ(check("same_id", "same_id.stripped").status, 0); }

TEST_F(SameProgram, AnotherBuildIsNot) {
  RunResult result = check("same_id", "other_id.stripped");
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.out, "");
  std::string patch = "  patch    -" + std::string(pid_.size() + 1, ' ');
  std::string given = waiter("same_id"), runs = waiter("other_id.stripped");
  EXPECT_EQ(result.err, "lpc check: error: process " + pid_ +
                            " does not run the program that this patch is for [build-id-mismatch]\n" + patch + given +
                            std::string(runs.size() - given.size() + 2, ' ') + "build-id 1001\n  process  " + pid_ +
                            "  " + runs + "  build-id 1002\n  help: what runs is /proc/" + pid_ +
                            "/exe\n  state: process " + pid_ + " was not stopped; nothing was changed\n");
}

TEST_F(SameProgram, TheBuildComesBeforeTheNames) {
  // A name that the wrong build lacks must not be what the user is told.
  RunResult result = check("same_id", "other_id", "set no_such_name int 8\n");
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, testing::Not(HasSubstr("unknown-symbol")));
}

TEST_F(SameProgram, WithoutBuildIdsByTheCode) {
  EXPECT_EQ(check("same", "same.stripped").status, 0);
  RunResult result = check("same", "other.stripped");
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("without a build-id on both sides their code was compared, and differs"));
}

TEST_F(SameProgram, WithoutATargetItIsWhatRuns) {
  Child child({waiter("same")});
  ASSERT_EQ(child.line(), "ready");
  RunResult result = lpcWith({"check", "-", "--pid", std::to_string(child.pid())}, "set counter int 8\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(waiter("same")));
}

} // namespace
} // namespace lpc::test
