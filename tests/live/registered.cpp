// What a payload has registered with the program when it is taken back: its memory stays as long as it may be called.
#include <csignal>

#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class Registered : public Linkage {
protected:
  void startProgram() {
    folder_.write("program.c", kLinkageProgram);
    ASSERT_TRUE(compile({"gcc", "-O2", "-o", "program", "program.c"})) << why_;
    start({"./program"});
    ASSERT_EQ(ask(), kLinkageBefore);
    folder_.write("fix.lp", "target program\ndl p payload.so\njmp handle $p:fix\n");
  }
  void build(const std::string &source) {
    folder_.write("payload.c", source);
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-o", "payload.so", "payload.c"})) << why_;
  }
};

TEST_F(Registered, AHandlerOfASignal) {
  startProgram();
  build("#include <signal.h>\nextern int limit; static void handler(int number) { limit += number; }\n"
        "int fix(int x) { signal(SIGUSR2, handler); return x; }\n");
  ProcessState before = stateOf(child_->pid());
  RunResult done = apply();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "handle 2 limit 100 greeting hello");
  done = revert();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("the memory of the patch is kept: the program's handler of SIGUSR2 is in it"));
  child_->signal(SIGUSR2);
  EXPECT_EQ(ask(), "handle 9 limit 112 greeting hello") << "it works as before";
  EXPECT_GT(stateOf(child_->pid()).mappings, before.mappings);
}

TEST_F(Registered, AHandlerThatWasReplaced) {
  startProgram();
  build("#include <signal.h>\nstatic void handler(int number) { (void)number; }\n"
        "int fix(int x) { signal(SIGUSR2, x == 2 ? handler : SIG_DFL); return x; }\n");
  ProcessState before = stateOf(child_->pid());
  ASSERT_EQ(apply().status, 0);
  EXPECT_EQ(ask("a"), "handle 2 limit 100 greeting hello");
  EXPECT_EQ(ask("ab"), "handle 3 limit 100 greeting hello");
  RunResult done = revert();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(stateOf(child_->pid()), before) << done.out;
}

TEST_F(Registered, OnExitIsRefused) {
  startProgram();
  build("#define _GNU_SOURCE\n#include <stdlib.h>\nstatic void bye(int status, void *unused) { (void)status, "
        "(void)unused; }\n"
        "int fix(int x) { on_exit(bye, NULL); return x; }\n");
  RunResult done = apply();
  expectUntouched(done, "unsupported-payload", 1);
  EXPECT_THAT(done.err, HasSubstr("registers functions by `on_exit`, which could not be taken back"));
}

TEST_F(Registered, AtExitIsCalledAtTheRevert) {
  startProgram();
  build("#include <stdlib.h>\nextern int limit; static void bye(void) { limit = 7; }\n"
        "int fix(int x) { atexit(bye); return x; }\n");
  ASSERT_EQ(apply().status, 0);
  EXPECT_EQ(ask(), "handle 2 limit 100 greeting hello");
  RunResult done = revert();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "handle 9 limit 7 greeting hello");
}

} // namespace
} // namespace lpc::test
