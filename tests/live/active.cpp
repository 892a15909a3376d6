// A function that is active in a thread is not replaced: the refusal names thread and function; when the thread has
// left, it is.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class Active : public testing::TestWithParam<const char *> {
protected:
  Active() { folder_.write("outer.lp", "patch outer\ndl p " + kBinaries + "/outer.so\njmp outer $p:outer_new\n"); }
  WorkFolder folder_;
};

std::string threadNamed(pid_t pid, const std::string &name) {
  for (const auto &task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::string comm;
    std::ifstream(task.path() / "comm") >> comm;
    if (comm == name) return task.path().filename();
  }
  return "(none)";
}

TEST_P(Active, IsRefusedUntilTheThreadHasLeft) {
  Child child({kBinaries + "/target_sleeper_pie", GetParam()});
  ASSERT_EQ(child.line(), "ready");
  std::string pid = std::to_string(child.pid()), sleeper = threadNamed(child.pid(), "sleeper");
  ProcessState before = stateOf(child.pid());

  RunResult done = lpc({"apply", "outer.lp", "--pid", pid, "--timeout", "300ms"});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[process-busy]"));
  EXPECT_THAT(done.err, HasSubstr("thread " + sleeper + " (sleeper)"));
  EXPECT_THAT(done.err, HasSubstr("`outer`"));
  EXPECT_EQ(stateOf(child.pid()), before);

  child.send("go\n");
  ASSERT_EQ(child.line(), "gone");
  done = lpc({"apply", "outer.lp", "--pid", pid, "--timeout", "20s"});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 1001");
  done = lpc({"revert", "outer", "--pid", pid, "--timeout", "20s"});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 2");
  EXPECT_EQ(stateOf(child.pid()), before);
}

TEST_P(Active, IsAppliedWhenTheThreadLeavesInTime) {
  Child child({kBinaries + "/target_sleeper_pie", GetParam()});
  ASSERT_EQ(child.line(), "ready");
  Child command({LPC_COMMAND, "apply", "outer.lp", "--pid", std::to_string(child.pid()), "--timeout", "60s"});
  ASSERT_FALSE(command.wait(std::chrono::milliseconds(300)).has_value()) << "it did not wait";
  child.send("go\n");
  ASSERT_EQ(child.lineWith("gone"), "gone");
  EXPECT_EQ(command.wait(std::chrono::seconds(60)), 0);
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 1001");
}

TEST_P(Active, IsAppliedWhereItIsAllowed) {
  Child child({kBinaries + "/target_sleeper_pie", GetParam()});
  ASSERT_EQ(child.line(), "ready");
  RunResult done = lpc({"apply", "outer.lp", "--pid", std::to_string(child.pid()), "--allow-active", "outer"});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  child.send("go\n");
  ASSERT_EQ(child.line(), "gone");
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 1001");
}

INSTANTIATE_TEST_SUITE_P(Where, Active, testing::Values("direct", "deep", "handler", "coroutine", "vdso"),
                         [](const auto &test) { return std::string(test.param); });

} // namespace
} // namespace lpc::test
