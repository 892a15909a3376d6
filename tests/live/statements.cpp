// The statements of the language that are more than `set` and `jmp`, on a process, and taken back.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char *kBefore = "ready 0 level 8 answer 5 side 1 limit 10 name first version 7 number 12";

class Statements : public testing::TestWithParam<std::string> {
protected:
  Statements() : child_({kBinaries + "/" + GetParam()}) {
    EXPECT_EQ(child_.line(), "ready");
    EXPECT_EQ(ask("call"), kBefore);
    before_ = stateOf(child_.pid());
  }

  std::string ask(const std::string &command) {
    child_.send(command + "\n");
    return child_.line().value_or("(no answer)");
  }
  [[nodiscard]] std::string pid() const { return std::to_string(child_.pid()); }
  RunResult apply(const std::string &statements, std::vector<std::string> options = {}) {
    folder_.write("change.lp", statements);
    options.insert(options.begin(), {"apply", "change.lp", "--pid", pid()});
    return lpc(options);
  }
  void expectApplied(const std::string &statements, const std::string &answer) {
    RunResult done = apply(statements);
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask("call"), answer);
  }
  void expectRevertedWholly() {
    RunResult done = lpc({"revert", "change", "--pid", pid()});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask("call"), kBefore);
    EXPECT_EQ(stateOf(child_.pid()), before_);
  }
  void expectUntouched(const RunResult &done, const std::string &id, int status = 3) {
    EXPECT_EQ(done.status, status) << done.out;
    EXPECT_THAT(done.err, HasSubstr("[" + id + "]"));
    EXPECT_EQ(ask("call"), kBefore);
    EXPECT_EQ(stateOf(child_.pid()), before_);
  }

  WorkFolder folder_;
  Child child_;
  ProcessState before_;
};

TEST_P(Statements, Return) {
  expectApplied("return ready 5\nreturn level -6\n",
                "ready 5 level -6 answer 5 side 1 limit 10 name first version 7 number 12");
  expectRevertedWholly();
}

TEST_P(Statements, ReturnOfWhatAPointerLeadsTo) {
  expectApplied("return [levelCall] -1234567\n",
                "ready 0 level -1234567 answer 5 side 1 limit 10 name first version 7 number 12");
  expectRevertedWholly();
}

TEST_P(Statements, NoOps) {
  expectApplied("nop answer+3 5\n", "ready 0 level 8 answer 5 side 0 limit 10 name first version 7 number 12");
  expectRevertedWholly();
}

TEST_P(Statements, NoOpsByANumberAreWholeInstructionsOfTheProcess) {
  expectUntouched(apply("nop [levelCall] 2\n"), "not-an-instruction", 1);
}

TEST_P(Statements, PointersAndNames) {
  expectApplied("let config = [current]\nlet name = $config + 4\nset $config u32 100 was 10\nset $name cstr \"new\"\n",
                "ready 0 level 8 answer 5 side 1 limit 100 name new version 7 number 12");
  expectRevertedWholly();
}

TEST_P(Statements, ExpectThatHolds) {
  expectApplied("expect version u32 7\nexpect current addr first\nexpect [current]+4 text \"first\"\n"
                "return ready 5\n",
                "ready 5 level 8 answer 5 side 1 limit 10 name first version 7 number 12");
  expectRevertedWholly();
}

TEST_P(Statements, ExpectThatDoesNotHold) {
  RunResult done = apply("return ready 5\nexpect version u32 8\n");
  expectUntouched(done, "expect-failed");
  EXPECT_THAT(done.err, HasSubstr("change.lp:2:1: error: the patch expects 08 00 00 00 at 0x"));
  EXPECT_THAT(done.err, HasSubstr("nothing was changed"));
}

TEST_P(Statements, Quiesce) {
  EXPECT_EQ(ask("hold"), "held");
  RunResult done = apply("return ready 5\nquiesce level, commit\n", {"--timeout", "100ms"});
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("[process-busy]"));
  EXPECT_THAT(done.err, HasSubstr("`commit`"));
  EXPECT_EQ(ask("call"), kBefore);

  done = apply("return ready 5\nquiesce level\n", {"--timeout", "100ms"});
  EXPECT_EQ(done.status, 0) << done.err; // nobody asked for commit
  expectRevertedWholly();

  EXPECT_EQ(ask("free"), "free");
  expectApplied("return ready 5\nquiesce level, commit\n",
                "ready 5 level 8 answer 5 side 1 limit 10 name first version 7 number 12");
  expectRevertedWholly();
}

TEST_P(Statements, Got) {
  std::string payload = "dl other " + kBinaries + "/number.so\n";
  expectApplied(payload + "got strtol $other:thirteen\n",
                "ready 0 level 8 answer 5 side 1 limit 10 name first version 7 number 13");
  expectRevertedWholly();
  expectApplied(payload + "got strtol $other:thirteen in target\n",
                "ready 0 level 8 answer 5 side 1 limit 10 name first version 7 number 13");
  expectRevertedWholly();
}

TEST_P(Statements, PlanTellsThem) {
  folder_.write("change.lp", "return ready 5\nnop answer+3 5\nexpect version u32 7\nquiesce commit\n");
  RunResult plan = lpc({"plan", "change.lp", "--pid", pid()});
  EXPECT_EQ(plan.status, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("line 1: return 0x"));
  EXPECT_THAT(plan.out, HasSubstr("line 2: nop 0x"));
  EXPECT_THAT(plan.out, HasSubstr("must hold:\n  line 3: 0x"));
  EXPECT_THAT(plan.out, HasSubstr("  commit\n"));
  EXPECT_EQ(stateOf(child_.pid()), before_);
}

INSTANTIATE_TEST_SUITE_P(Live, Statements, testing::Values("target_statements", "target_statements_pie"),
                         [](const auto &test) { return test.param; });

} // namespace
} // namespace lpc::test
