// A small program that tests compile in many ways, a payload that uses what it has, and the same course for all of
// them.
#pragma once

#include <gmock/gmock.h>

#include <optional>

#include "tests/live/service.h"

namespace lpc::test {

// For any C library. `wipe`: dead pointers into a patch's memory, on the stack and in registers, would keep that
// memory.
constexpr const char *kLinkageProgram = R"(
  #include <stdio.h>
  #include <string.h>
  int limit = 100;
  const char *greeting = "hello";
  static volatile int hidden = 7;
  __attribute__((noinline)) int handle(int x) { return x + hidden; }
  int (*volatile callee)(int) = handle;
  static char line[64];
  static __attribute__((noinline)) void wipe(void) {
    volatile char stack[16384];
    for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0;
    __asm__ volatile("xor %%ecx, %%ecx; xor %%esi, %%esi; xor %%edi, %%edi; xor %%r8d, %%r8d; xor %%r9d, %%r9d;"
                     "xor %%r10d, %%r10d; xor %%r11d, %%r11d" ::: "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
  }
  int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
      int result = callee((int)strlen(line));
      printf("handle %d limit %d greeting %s\n", result, limit, greeting);
      wipe();
    }
    return 0;
  })";
// `strlen` and `memcpy` are indirect functions in glibc, and common ones in musl; `hidden` is static in the program.
constexpr const char *kLinkagePayload = R"(
  #include <string.h>
  extern int limit, hidden;
  extern const char *greeting;
  const char text[] = "patched";
  int fix(int x) {
    char copy[64];
    memcpy(copy, greeting, (size_t)x);
    copy[x] = 0;
    return (int)strlen(copy) * 1000 + limit + hidden;
  })";
constexpr const char *kLinkageBefore = "handle 9 limit 100 greeting hello";
constexpr const char *kLinkageAfter = "handle 2507 limit 500 greeting patched";

class Linkage : public testing::Test {
protected:
  // Compiles; false where the compiler cannot, and `why_` is what it said.
  bool compile(std::vector<std::string> words) {
    RunResult done = run(words);
    why_ = words[0] + " cannot: " + done.err.substr(0, done.err.find('\n'));
    return done.status == 0;
  }
  void buildPayloads() {
    folder_.write("payload.c", kLinkagePayload);
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-o", "payload.so", "payload.c"})) << why_;
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-c", "-o", "payload.o", "payload.c"})) << why_;
  }
  void writePatch(const std::string &payload, const std::string &program = "program") {
    folder_.write("fix.lp", "target " + program + "\ndl p " + payload +
                                "\njmp handle $p:fix\nset limit i32 500 was 100\nset greeting addr $p:text\n");
  }
  void start(const std::vector<std::string> &argv, const std::string &ready = "ready") {
    child_.emplace(argv);
    ASSERT_TRUE(child_->lineWith(ready));
  }
  // A line of two bytes, its end included: `handle` gives 2 + 7.
  std::string ask(const std::string &line = "a") {
    child_->send(line + "\n");
    return child_->line().value_or("(no answer)");
  }
  [[nodiscard]] std::string pid() const { return std::to_string(child_->pid()); }
  RunResult apply(std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"apply", "fix.lp", "--pid", pid()});
    return lpc(options);
  }
  RunResult revert() { return lpc({"revert", "fix", "--pid", pid()}); }

  // Both payloads on the program that runs, and all as before in the end.
  void expectPatchable(const std::string &program = "program") {
    EXPECT_EQ(ask(), kLinkageBefore);
    ProcessState before = stateOf(child_->pid());
    for (const char *payload : {"payload.so", "payload.o"}) {
      SCOPED_TRACE(payload);
      writePatch(payload, program);
      RunResult done = apply();
      ASSERT_EQ(done.status, 0) << done.err;
      EXPECT_EQ(ask(), kLinkageAfter);
      done = revert();
      EXPECT_EQ(done.status, 0) << done.err;
      EXPECT_EQ(ask(), kLinkageBefore);
      EXPECT_EQ(stateOf(child_->pid()), before) << done.out << done.err;
    }
  }
  // A patch that was refused has changed nothing.
  void expectUntouched(const RunResult &done, const std::string &id, int status) {
    EXPECT_EQ(done.status, status) << done.out << done.err;
    EXPECT_THAT(done.err, testing::HasSubstr("[" + id + "]"));
    EXPECT_THAT(done.err, testing::HasSubstr("nothing was changed"));
    EXPECT_EQ(ask(), kLinkageBefore);
  }

  WorkFolder folder_;
  std::optional<Child> child_;
  std::string why_;
};

} // namespace lpc::test
