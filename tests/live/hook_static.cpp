// Hooks by a payload in C where no function can be called, and so no unwinder told of the payload: in a program of C
// nothing is thrown through it, in one of C++ it may be.
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class HookStatic : public Linkage {
protected:
  // Makes `program` of the source; false where the compiler cannot.
  bool build(std::vector<std::string> compiler, const std::string &source) {
    folder_.write("payload.c", "int (*handled)(int);\nint fix(int x) { return handled(x) + 1000; }\n");
    EXPECT_TRUE(compile({"gcc", "-O2", "-fPIC", "-c", "-o", "payload.o", "payload.c"})) << why_;
    folder_.write("fix.lp", "target program\ndl p payload.o\nhook handle $p:fix original $p:handled\n");
    folder_.write("program.c", source);
    compiler.insert(compiler.end(), {"-O2", "-o", "program", "program.c"});
    return compile(compiler);
  }
};

TEST_F(HookStatic, AProgramOfC) {
  for (const char *option : {"-static", "-static-pie"}) {
    if (!build({"gcc", option}, kLinkageProgram)) GTEST_SKIP() << why_;
    start({"./program"});
    ProcessState before = stateOf(child_->pid());
    RunResult done = apply();
    ASSERT_EQ(done.status, 0) << option << ": " << done.err;
    EXPECT_EQ(ask(), "handle 1009 limit 100 greeting hello");
    done = revert();
    ASSERT_EQ(done.status, 0) << option << ": " << done.err;
    EXPECT_EQ(ask(), kLinkageBefore);
    EXPECT_EQ(stateOf(child_->pid()), before);
  }
}

// `handle` throws through `fix` to `main`, which its frame would have to be known for.
TEST_F(HookStatic, AProgramOfCxx) {
  std::string source = R"(
    #include <cstdio>
    extern "C" __attribute__((noinline)) int handle(int x) { if (x == 3) throw x; return x; }
    int main() {
      std::setvbuf(stdout, nullptr, _IOLBF, 0);
      std::puts("ready");
      char line[64];
      while (std::fgets(line, sizeof line, stdin))
        try { std::printf("handle %d\n", handle(line[0] - '0')); }
        catch (int x) { std::printf("thrown %d\n", x); }
    })";
  if (!build({"g++", "-static"}, source)) GTEST_SKIP() << why_;
  start({"./program"});
  RunResult done = apply();
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("no-threads"));
  EXPECT_EQ(ask("3"), "thrown 3");
}

} // namespace
} // namespace lpc::test
