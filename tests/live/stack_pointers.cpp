// The only pointer into a payload stands on a stack, in the frame of a function that waits, and stands behind a call
// that never returns: it looks like the return address of that call, and is no multiple of 16, as with -Os.
#include "tests/live/linkage.h"
#include "tests/live/unharmed.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

constexpr const char *kProgram = R"(
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  int (*volatile *slot)(int);
  void keep(int (*function)(int)) { *slot = function; }
  void never(void) { abort(); }
  __attribute__((noinline)) int handle(int x) { __asm__ volatile("nop; nop; nop; nop; nop"); return x; }
  int (*volatile callee)(int) = handle;
  __attribute__((noinline)) static void wipe(void) {
    volatile char stack[16384];
    for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0;
  }
  int main(void) {
    int (*volatile mine)(int) = NULL;
    slot = &mine;
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) {
      if (line[0] == 'f') mine = NULL;
      int result = callee(1);
      printf("handle %d kept %d\n", result, mine ? mine(5) : 0);
      wipe();
    }
    return 0;
  })";
constexpr const char *kPayload = R"(
  int callback(int) __attribute__((visibility("hidden")));
  extern void keep(int (*)(int));
  int fix(int x) { keep(callback); return x + 100; }
  __asm__(".text\n.balign 16\ndies: .cfi_startproc\n nop\n call never@PLT\n .cfi_endproc\n"
          "callback: .cfi_startproc\n lea 300(%rdi), %eax\n ret\n .cfi_endproc\n");)";

struct Form {
  std::string name;
  std::vector<std::string> words; // of the compiler
  std::string how;                // the statement that loads it
};
void PrintTo(const Form &form, std::ostream *out) { *out << form.name; }

class StackPointers : public Linkage, public testing::WithParamInterface<Form> {};

TEST_P(StackPointers, KeepTheMemoryUntilTheyGo) {
  folder_.write("program.c", kProgram);
  folder_.write("payload.c", kPayload);
  ASSERT_TRUE(compile({"gcc", "-O2", "-rdynamic", "-o", "program", "program.c"})) << why_;
  std::vector<std::string> words{"gcc", "-Os", "-fPIC", "-o", "payload", "payload.c"};
  words.insert(words.end(), GetParam().words.begin(), GetParam().words.end());
  ASSERT_TRUE(compile(words)) << why_;
  start({"./program"});
  folder_.write("fix.lp", "target program\n" + GetParam().how + " p payload\njmp handle $p:fix\n");
  ASSERT_EQ(ask(), "handle 1 kept 0");
  ProcessState before = stateOf(child_->pid());
  RunResult done = apply();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "handle 101 kept 305");
  done = revert();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("points into it"));
  EXPECT_EQ(ask(), "handle 1 kept 305");
  EXPECT_EQ(ask("f"), "handle 1 kept 0");
  (void)revert();
  EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before); })) << lpc({"status", "--pid", pid()}).out;
}

INSTANTIATE_TEST_SUITE_P(Live, StackPointers,
                         testing::Values(Form{"Object", {"-c"}, "dl"}, Form{"Shared", {"-shared"}, "dl"},
                                         Form{"Stripped", {"-shared", "-s"}, "dl"},
                                         Form{"Opened", {"-shared", "-s"}, "dlopen"}),
                         [](const auto &about) { return about.param.name; });

} // namespace
} // namespace lpc::test
