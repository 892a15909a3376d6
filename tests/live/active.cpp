// A function that is active in a thread is not replaced: the refusal names thread and function; when the thread has
// left, it is. Where functions can be active: targets/sleeper.c, sleeper_cxx.cpp; all are built without frame pointers.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

struct Place {
  const char *program, *mode, *function = "outer";
};

class ActiveBase : public testing::Test {
protected:
  void writePatch(const std::string &function) {
    folder_.write("outer.lp", "patch outer\ndl p " + kBinaries + "/outer.so\njmp " + function + " $p:outer_new\n");
  }
  static std::vector<std::string> command(const Place &place) {
    return {kBinaries + "/target_" + place.program + "_pie", place.mode};
  }
  // In a process of C++ a thread of its own has told the unwinder of the payload, and glibc keeps an arena (two
  // mappings) for the next one.
  static void expectAsBefore(const Place &place, pid_t pid, const ProcessState &before) {
    ProcessState now = stateOf(pid);
    constexpr size_t kArena = 2;
    if (std::string(place.program) == "sleeper_cxx" && now.mappings == before.mappings + kArena) now.mappings -= kArena;
    EXPECT_EQ(now, before);
  }
  WorkFolder folder_;
};
class Active : public ActiveBase, public testing::WithParamInterface<Place> {
protected:
  Active() { writePatch(GetParam().function); }
};
class Left : public Active {};
using ActiveInNewCode = ActiveBase;

std::string threadNamed(pid_t pid, const std::string &name) {
  for (const auto &task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::string comm;
    std::ifstream(task.path() / "comm") >> comm;
    if (comm == name) return task.path().filename();
  }
  return "(none)";
}

TEST_P(Active, IsRefusedUntilTheThreadHasLeft) {
  Child child(command(GetParam()));
  ASSERT_EQ(child.line(), "ready");
  std::string pid = std::to_string(child.pid()), sleeper = threadNamed(child.pid(), "sleeper");
  ProcessState before = stateOf(child.pid());

  RunResult done = lpc({"apply", "outer.lp", "--pid", pid, "--timeout", "300ms"});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[process-busy]"));
  EXPECT_THAT(done.err, HasSubstr("thread " + sleeper + " (sleeper)"));
  EXPECT_THAT(done.err, HasSubstr("`" + std::string(GetParam().function) + "`"));
  expectAsBefore(GetParam(), child.pid(), before);

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
  expectAsBefore(GetParam(), child.pid(), before);
}

TEST_P(Active, IsAppliedWhenTheThreadLeavesInTime) {
  Child child(command(GetParam()));
  ASSERT_EQ(child.line(), "ready");
  Child lpc({LPC_COMMAND, "apply", "outer.lp", "--pid", std::to_string(child.pid()), "--timeout", "60s"});
  ASSERT_FALSE(lpc.wait(std::chrono::milliseconds(300)).has_value()) << "it did not wait";
  for (int i = 0; i < 20; i++) { // nobody else is held meanwhile
    child.send("call\n");
    ASSERT_EQ(child.line(), "outer 0");
  }
  child.send("go\n");
  ASSERT_EQ(child.lineWith("gone"), "gone");
  EXPECT_EQ(lpc.wait(std::chrono::seconds(60)), 0);
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 1001");
}

TEST_P(Active, IsAppliedWhereItIsAllowed) {
  Child child(command(GetParam()));
  ASSERT_EQ(child.line(), "ready");
  RunResult done =
      lpc({"apply", "outer.lp", "--pid", std::to_string(child.pid()), "--allow-active", GetParam().function});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  child.send("go\n");
  ASSERT_EQ(child.line(), "gone");
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 1001");
}

// It is not on any thread's stack although it was called: nothing to wait for.
TEST_P(Left, IsAppliedAtOnce) {
  Child child(command(GetParam()));
  ASSERT_EQ(child.line(), "ready");
  std::string pid = std::to_string(child.pid());
  ProcessState before = stateOf(child.pid());
  RunResult done = lpc({"apply", "outer.lp", "--pid", pid});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  child.send("go\n");
  ASSERT_EQ(child.line(), "gone"); // what had been begun has ended well
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 1001");
  done = lpc({"revert", "outer", "--pid", pid});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 2");
  expectAsBefore(GetParam(), child.pid(), before);
}

// The patch's own code is active: it is not taken away under a thread's feet.
TEST_F(ActiveInNewCode, IsNotRevertedUntilTheThreadHasLeft) {
  folder_.write("outer.lp", "patch outer\ndl p " + kBinaries + "/calling.so\njmp outer $p:outer_calling\n");
  Child child(command({"sleeper", "late"}));
  ASSERT_EQ(child.line(), "ready");
  std::string pid = std::to_string(child.pid());
  ProcessState before = stateOf(child.pid());
  ASSERT_EQ(lpc({"apply", "outer.lp", "--pid", pid}).status, 0);
  child.send("arm\n");
  ASSERT_EQ(child.line(), "asleep");
  std::string sleeper = threadNamed(child.pid(), "sleeper");
  RunResult done = lpc({"revert", "outer", "--pid", pid, "--timeout", "300ms"});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[process-busy]"));
  EXPECT_THAT(done.err, HasSubstr("thread " + sleeper + " (sleeper)"));
  EXPECT_THAT(done.err, HasSubstr("outer_calling`"));
  EXPECT_THAT(done.err, testing::Not(HasSubstr("--allow-active"))) << "revert knows no such option";
  child.send("go\n");
  ASSERT_EQ(child.line(), "gone");
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 2001");
  done = lpc({"revert", "outer", "--pid", pid, "--timeout", "20s"});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 2");
  EXPECT_EQ(stateOf(child.pid()), before);
}

std::string nameOf(const testing::TestParamInfo<Place> &test) { return test.param.mode; }
INSTANTIATE_TEST_SUITE_P(Where, Active,
                         testing::Values(Place{"sleeper", "direct"}, Place{"sleeper", "deep"},
                                         Place{"sleeper", "handler"}, Place{"sleeper", "coroutine"},
                                         Place{"sleeper", "vdso"}, Place{"sleeper", "jumped"},
                                         Place{"sleeper", "leaf", "leaf"}, Place{"sleeper_cxx", "caught"},
                                         Place{"sleeper_cxx", "unwinding"}),
                         nameOf);
INSTANTIATE_TEST_SUITE_P(Where, Left,
                         testing::Values(Place{"sleeper", "tail", "tail"}, Place{"sleeper", "suspended"},
                                         Place{"sleeper_cxx", "passed"}),
                         nameOf);

} // namespace
} // namespace lpc::test
