// A program whose own dynamic linker is asked to load objects, and what the tests of that share.
#pragma once

#include <gmock/gmock.h>

#include <optional>

#include "tests/live/service.h"
#include "tests/live/unharmed.h"

namespace lpc::test {

// Threads call `callee` all the time; the main thread answers with what a call gives it, how often it was called, and
// how many of the other threads have seen a result that is not theirs. `l` loads and closes the library of its
// argument.
constexpr const char *kProgram = R"(
  #include <dlfcn.h>
  #include <pthread.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  int limit = 100;
  int *limit_p = &limit;
  char said[256];
  void say(const char *what) { strcat(said, what); strcat(said, " "); }
  __attribute__((noinline)) int handle(int x) { __asm__ volatile("nop; nop; nop; nop; nop"); return x; }
  int (*volatile callee)(int) = handle;
  volatile int mixed;
  volatile long rounds;
  static void *work(void *number) {
    int own = (int)(long)number;
    for (;;) {
      int result = callee(own * 1000);
      if (result / 1000 != own) mixed = mixed + 1;
      for (int i = 0; i < 50; i++) { // most of the time it is here, so that there are moments with all of them outside
        void *volatile block = malloc((size_t)(result + i & 1023) + 1);
        free(block);
      }
      __asm__ volatile("xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d; xor %%r11d, %%r11d" // dead pointers
                       ::: "r8", "r9", "r10", "r11", "cc");
      rounds++;
    }
    return NULL;
  }
  static void wipe(void) { volatile char stack[16384]; for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0; }
  int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *block = malloc(1);
    free(block);
    int threads = argc > 1 ? atoi(argv[1]) : 0;
    for (long i = 1; i <= threads; i++) { pthread_t thread; pthread_create(&thread, NULL, work, (void *)i); }
    puts("ready");
    char line[256] = ""; // no part of it holds what was on the stack before
    while (fgets(line, sizeof line, stdin)) {
      line[strcspn(line, "\n")] = 0;
      if (line[0] == 'c') said[0] = 0;
      if (line[0] == 'l') { void *lib = dlopen(line + 2, RTLD_NOW); printf("loaded %d closed %d\n", lib != NULL, lib ? dlclose(lib) : -1); continue; }
      if (line[0] == 'k') { void *lib = dlopen(line + 2, RTLD_NOW); printf("kept %d\n", lib != NULL); continue; }
      printf("handle %d limit %d mixed %d said %s\n", callee(0), *limit_p, mixed, said);
      wipe();
    }
    return 0;
  })";

constexpr const char *kOwnThreadLocals = R"(
  extern void say(const char *);
  int new_limit = 500;
  static __thread int calls;
  __attribute__((constructor)) static void begin(void) { say("begin"); }
  __attribute__((destructor)) static void end(void) { say("end"); }
  int fix(int x) { return x + (calls = calls % 900 + 1); })";

class Dlopen : public testing::Test {
protected:
  void build(const std::vector<std::string> &words) const {
    RunResult done = run(words);
    ASSERT_EQ(done.status, 0) << done.err;
  }
  void buildProgram(std::vector<std::string> extra = {}) {
    folder_.write("main.c", kProgram);
    std::vector<std::string> words = {"gcc", "-O2", "-g", "-rdynamic", "-pthread", "-o", "program", "main.c", "-ldl"};
    words.insert(words.end(), extra.begin(), extra.end());
    build(words);
  }
  void start(int threads = 0) {
    buildProgram();
    child_.emplace(std::vector<std::string>{folder_.path() + "/program", std::to_string(threads)});
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
  }
  void object(const std::string &source, const std::string &name = "own", const char *compiler = "gcc") {
    std::string file = name + (compiler == std::string("gcc") ? ".c" : ".cpp");
    folder_.write(file, source);
    build({compiler, "-O2", "-g", "-shared", "-fPIC", "-o", name + ".so", file});
  }
  RunResult apply(const std::string &patch, std::vector<std::string> options = {}) {
    folder_.write("fix.lp", "target program\n" + patch);
    options.insert(options.begin(), {"apply", "fix.lp", "--pid", pid()});
    return lpc(options);
  }
  RunResult revert(const std::string &name = "fix", std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"revert", name, "--pid", pid()});
    return lpc(options);
  }
  std::string answer(const std::string &question = "?") {
    child_->send(question + "\n");
    return child_->line().value_or("(no answer)");
  }
  [[nodiscard]] std::string pid() const { return std::to_string(child_->pid()); }
  [[nodiscard]] std::string mapped() const {
    std::string all;
    for (const std::string &line : mappingsOf(child_->pid()))
      all += line + "\n";
    return all;
  }
  // The allocator of the C library keeps an arena for the threads that were.
  void expectAsBefore() {
    EXPECT_THAT(mapped(), testing::Not(testing::HasSubstr("livepatch")));
    EXPECT_THAT(mapped(), testing::Not(testing::HasSubstr("own.so")));
    EXPECT_TRUE(runsAsBefore(child_->pid(), before_)) << testing::PrintToString(stateOf(child_->pid()));
    EXPECT_THAT(lpc({"status", "--pid", pid()}).out, testing::HasSubstr("no patches"));
  }
  static constexpr const char *kFix = "dlopen own own.so\njmp handle $own:fix\nset limit_p addr $own:new_limit\n";

  WorkFolder folder_;
  std::optional<Child> child_;
  ProcessState before_;
};

} // namespace lpc::test
