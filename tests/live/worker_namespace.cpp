// Functions are called in a process that has another number for itself and for its threads than lpc has.
#include <fstream>

#include "tests/live/agent_support.h"
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

constexpr const char *kProgram = R"(
  #include <stdio.h>
  #include <stdlib.h>
  #include <time.h>
  static volatile int entered, go;
  __attribute__((noinline)) int linger(int x) {
    struct timespec moment = {0, 1000000};
    entered++;
    while (!go) nanosleep(&moment, NULL);
    return x;
  }
  __attribute__((noinline)) void fail(void) { abort(); }
  __attribute__((noinline)) int handle(int x) { return x + 1; }
  int (*volatile callee)(int) = handle;
  int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) {
      if (line[0] == 'g') go = 1;
      printf("handle %d entered %d\n", callee(1), entered);
    }
    return 0;
  })";

class WorkerNamespace : public Linkage {
protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root makes namespaces";
    folder_.write("program.c", kProgram);
    ASSERT_TRUE(compile({"gcc", "-O2", "-pthread", "-o", "program", "program.c"})) << why_;
    start({"unshare", "--pid", "--fork", "--kill-child", "./program"});
    std::string outer = std::to_string(child_->pid());
    std::ifstream("/proc/" + outer + "/task/" + outer + "/children") >> inside_;
    ASSERT_GT(inside_, 0);
    ASSERT_EQ(runtime::idInside(inside_, inside_), 1);
    ASSERT_EQ(runtime::threadInside(inside_, 1), inside_);
    before_ = stateOf(inside_);
  }
  void makePayload(const std::string &constructor) {
    folder_.write("payload.c", "int linger(int); void fail(void);\n"
                               "__attribute__((constructor)) static void begin(void) { " +
                                   constructor + "; }\nint fix(int x) { return x + 40; }");
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-o", "payload.so", "payload.c"})) << why_;
    folder_.write("fix.lp", "target program\ndl p payload.so\njmp handle $p:fix\n");
  }
  RunResult on(const std::string &command, const std::string &what) {
    return lpc({command, what, "--pid", std::to_string(inside_), "--timeout", command == "apply" ? "30s" : "100ms"});
  }
  void expectNothingLeft() {
    EXPECT_TRUE(eventually([&] { return stateOf(inside_).threads == before_.threads; }));
    for (const std::string &line : mappingsOf(inside_))
      EXPECT_THAT(line, testing::Not(HasSubstr("livepatch")));
  }

  pid_t inside_ = 0; // as lpc sees it
  ProcessState before_{};
};

TEST_F(WorkerNamespace, AnAbortIsCaught) {
  makePayload("fail()");
  RunResult done = on("apply", "fix.lp");
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("raised SIGABRT"));
  EXPECT_EQ(ask(), "handle 2 entered 0");
  expectNothingLeft();
}

TEST_F(WorkerNamespace, AFunctionIsAtWorkWhenLpcIsKilled) {
  makePayload("linger(1)");
  Child command({LPC_COMMAND, "apply", "fix.lp", "--pid", std::to_string(inside_), "--timeout", "30s"});
  ASSERT_TRUE(eventually([&] { return ask() == "handle 2 entered 1"; }));
  command.signal(SIGKILL);
  ASSERT_EQ(command.wait(), 128 + SIGKILL);
  RunResult done = on("revert", "fix");
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("[call-running]"));
  EXPECT_EQ(ask("g"), "handle 2 entered 1");
  EXPECT_TRUE(eventually([&] { return stateOf(inside_).threads == before_.threads; }));
  EXPECT_EQ(on("revert", "fix").status, 3); // not on it; what was left is put in order
  expectNothingLeft();
  done = on("apply", "fix.lp");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "handle 41 entered 2");
  EXPECT_EQ(lpc({"revert", "fix", "--pid", std::to_string(inside_)}).status, 0);
  expectNothingLeft();
}

} // namespace
} // namespace lpc::test
