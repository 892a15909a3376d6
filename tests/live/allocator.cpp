// A process that allocates by a library of its own, which has variables in each thread: no thread is made in it that
// this library does not know. (jemalloc in Debian's redis-server is such a one.)
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

// As allocators are: in a thread whose variables nobody has set up, it fails for good.
constexpr const char *kAllocator = R"(
  #include <stddef.h>
  void *__libc_calloc(size_t, size_t);
  static __thread long state = 4711;
  void *calloc(size_t count, size_t size) {
    if (state != 4711) __builtin_trap();
    return __libc_calloc(count, size);
  })";

constexpr const char *kProgram = R"(
  #include <cstdio>
  #include <string>
  volatile int seen;
  extern "C" __attribute__((noinline)) int handle(int x) { seen = x; return seen + 1; }
  int (*volatile callee)(int) = handle;
  int main() {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    std::string greeting = "ready";
    std::printf("%s\n", greeting.c_str());
    char line[64];
    while (std::fgets(line, sizeof line, stdin)) std::printf("handle %d\n", callee(1));
  })";

class Allocator : public testing::Test {
protected:
  void SetUp() override {
    folder_.write("own.c", kAllocator);
    folder_.write("main.cpp", kProgram);
    folder_.write("payload.c", "int fixed(int x) { return x + 100; }\n");
    build({"gcc", "-O2", "-shared", "-fPIC", "-ftls-model=initial-exec", "-o", "own.so", "own.c"});
    build({"g++", "-O2", "-o", "program", "main.cpp"});
    build({"gcc", "-O2", "-shared", "-fPIC", "-o", "payload.so", "payload.c"});
    child_.emplace(std::vector<std::string>{folder_.path() + "/program"},
                   std::vector<std::string>{"LD_PRELOAD=" + folder_.path() + "/own.so"});
    ASSERT_EQ(child_->line(), "ready");
  }
  static void build(const std::vector<std::string> &words) {
    RunResult done = run(words);
    ASSERT_EQ(done.status, 0) << done.err;
  }
  std::string answer() {
    child_->send("?\n");
    return child_->line().value_or("(no answer)");
  }
  [[nodiscard]] std::string pid() const { return std::to_string(child_->pid()); }

  WorkFolder folder_;
  std::optional<Child> child_;
};

TEST_F(Allocator, NoFunctionIsCalled) {
  folder_.write("fix.lp", "target program\nreturn handle 7\non pre-apply call handle -1\n");
  ProcessState before = stateOf(child_->pid());
  RunResult done = lpc({"apply", "fix.lp", "--pid", pid()});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("its memory is not allocated by the C library"));
  EXPECT_THAT(done.err, HasSubstr("[no-threads]"));
  EXPECT_EQ(answer(), "handle 2");
  EXPECT_EQ(stateOf(child_->pid()), before);
}

// The unwinder of this process of C++ could be told of the payload; here it is not, for that takes a call.
TEST_F(Allocator, WhatNeedsNoCallWorks) {
  folder_.write("fix.lp", "target program\ndl p payload.so\njmp handle $p:fixed\n");
  RunResult done = lpc({"apply", "fix.lp", "--pid", pid()});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_EQ(answer(), "handle 101");
  done = lpc({"revert", "fix", "--pid", pid()});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_EQ(answer(), "handle 2");
}

} // namespace
} // namespace lpc::test
