// `hook`: functions with something before them, which still do what they did.
#include <gmock/gmock.h>

#include <map>
#include <sstream>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// --- libc's functions --------------------------------------------------------------------------------------------

// The target that calls them all.
class Caller {
public:
  explicit Caller(const std::string &program) : child_({kBinaries + "/" + program}) {
    EXPECT_EQ(child_.line(), "ready");
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }

  // "NAME NUMBER" lines, to "done".
  std::map<std::string, std::string> ask(const std::string &command) {
    child_.send(command + "\n");
    std::map<std::string, std::string> answers;
    for (auto line = child_.line(); line != "done"; line = child_.line()) {
      if (!line) {
        ADD_FAILURE() << "no answer to " << command;
        break;
      }
      size_t blank = line->find(' ');
      answers[line->substr(0, blank)] = line->substr(blank + 1);
    }
    return answers;
  }

private:
  Child child_;
};

class HookedLibc : public testing::TestWithParam<const char *> {};

TEST_P(HookedLibc, DoesWhatItDid) {
  Caller caller(GetParam());
  std::string pid = std::to_string(caller.pid());
  auto results = caller.ask("call");
  ASSERT_GE(results.size(), 200U); // 50 calls of each
  ProcessState before = stateOf(caller.pid());

  std::string patch = "patch hooks\ndl h " + kBinaries + "/libc_hooks.so\n";
  for (const auto &[name, result] : results)
    patch += "hook libc.so.6!" + name + " $h:hook_" + name + " original $h:next_" + name + "\n";
  WorkFolder folder;
  folder.write("hooks.lp", patch);
  RunResult done = lpc({"apply", "hooks.lp", "--pid", pid});
  ASSERT_EQ(done.status, 0) << done.err;

  EXPECT_EQ(caller.ask("call"), results);
  for (const auto &[name, count] : caller.ask("counts"))
    EXPECT_GE(std::stoul(count), 50U) << name;

  done = lpc({"revert", "hooks", "--pid", pid});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out + done.err, Not(HasSubstr("kept")));
  auto counts = caller.ask("counts");
  EXPECT_EQ(caller.ask("call"), results);
  EXPECT_EQ(caller.ask("counts"), counts);
  EXPECT_EQ(stateOf(caller.pid()), before);
}

INSTANTIATE_TEST_SUITE_P(Of, HookedLibc, testing::Values("target_libc_calls", "target_libc_calls_pie"),
                         [](const auto &test) { return std::string(test.param); });

// --- a function of the program -----------------------------------------------------------------------------------

class Hook : public testing::Test {
protected:
  WorkFolder folder_;
  static constexpr const char *kHooked =
      "func_J 4100 str_P the original message number 5 text some text table 01 02 03 04 00 00 wrong 0";
  Hook() {
    folder_.write("hook.lp",
                  "patch hook\ndl h " + kBinaries + "/hook.so\nhook func_J $h:hook_func_J original $h:next_func_J\n");
  }
};

TEST_F(Hook, IsCalledByAllThreadsAndCallsTheOriginal) {
  for (const char *program : {"/target_service", "/target_service_pie"}) {
    Service service(8, kBinaries + program);
    RunResult done = lpc({"apply", "hook.lp", "--pid", service.pidText()});
    ASSERT_EQ(done.status, 0) << done.err;
    for (int i = 0; i < 100; i++)
      ASSERT_EQ(service.call(), kHooked);
    done = lpc({"revert", "hook", "--pid", service.pidText()});
    ASSERT_EQ(done.status, 0) << done.err;
    service.expectUntouched();
  }
}

TEST_F(Hook, ComesAndGoesHundredTimes) {
  Service service(8);
  for (int i = 0; i < 100; i++) {
    RunResult done = lpc({"apply", "hook.lp", "--pid", service.pidText()});
    ASSERT_EQ(done.status, 0) << done.err << " in round " << i;
    done = lpc({"revert", "hook", "--pid", service.pidText(), "--timeout", "20s"});
    ASSERT_EQ(done.status, 0) << done.err << " in round " << i;
  }
  service.expectUntouched();
}

// The pointer may be a variable of the program, and the hook a number.
TEST_F(Hook, PutsThePointerWhereItIsTold) {
  Service service(1);
  folder_.write("pointer.lp", "patch pointer\ndl foo " + kPayload + "\nhook func_J $foo:func1 original table+8\n");
  RunResult plan = lpc({"plan", "pointer.lp", "--pid", service.pidText()});
  EXPECT_EQ(plan.status, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("(originals)"));
  RunResult done = lpc({"apply", "pointer.lp", "--pid", service.pidText()});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(service.call(), HasSubstr("func_J 4100"));
  done = lpc({"revert", "pointer", "--pid", service.pidText()});
  ASSERT_EQ(done.status, 0) << done.err;
  service.expectUntouched();
}

// Unlike `jmp`, whose old function has to be left before it is replaced: the old one goes on.
TEST_F(Hook, DoesNotMindActiveFunctions) {
  folder_.write("outer.lp",
                "patch outer\ndl p " + kBinaries + "/outer.so\nnew next 8\nhook outer $p:outer_new original $next\n");
  Child child({kBinaries + "/target_sleeper_pie", "direct"});
  ASSERT_EQ(child.line(), "ready");
  std::string pid = std::to_string(child.pid());
  ProcessState before = stateOf(child.pid());
  RunResult done = lpc({"apply", "outer.lp", "--pid", pid});
  ASSERT_EQ(done.status, 0) << done.err;
  child.send("go\n");
  ASSERT_EQ(child.line(), "gone");
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 1001");
  done = lpc({"revert", "outer", "--pid", pid, "--timeout", "20s"});
  ASSERT_EQ(done.status, 0) << done.err;
  child.send("call\n");
  EXPECT_EQ(child.line(), "outer 2");
  EXPECT_EQ(stateOf(child.pid()), before);
}

} // namespace
} // namespace lpc::test
