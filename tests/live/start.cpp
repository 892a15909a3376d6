// Functions that are called for a patch: `on … call`, constructors, destructors. Each is reverted.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char *kProgram = R"(
  #include <pthread.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  int counter = 0;
  static char said[256];
  __attribute__((noinline)) int say(int what) { sprintf(said + strlen(said), "%d ", what); return 0; }
  __attribute__((noinline)) int veto(int what) { say(what); return what; }
  __attribute__((noinline)) int crash(int *at) { return *at; }
  __attribute__((noinline)) int spin(void) { for (;;) counter++; }
  __attribute__((noinline)) int handle(int x) { return x + 1; }
  int (*volatile callee)(int) = handle;
  static void *first(void *unused) { void *volatile block = malloc(1); free(block); pthread_exit(unused); } // the C library keeps its part of the heap, and libgcc_s
  static void wipe(void) { volatile char stack[16384]; for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0; }
  static void answer(void) { printf("handle %d said %s\n", callee(1), said); }
  int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, first, NULL);
    pthread_join(thread, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready\n");
    char line[64];
    while (fgets(line, sizeof line, stdin)) { if (line[0] == 'c') said[0] = 0; answer(); wipe(); }
    return 0;
  })";

class Started : public testing::Test {
protected:
  void start(const std::vector<std::string> &build, const std::string &source, const std::string &file = "main.c") {
    folder_.write(file, source);
    std::vector<std::string> words = build;
    words.insert(words.end(), {"-O2", "-g", "-pthread", "-o", "program", file});
    RunResult done = run(words);
    ASSERT_EQ(done.status, 0) << done.err;
    child_.emplace(std::vector<std::string>{folder_.path() + "/program"});
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
  }
  void start() { start({"gcc"}, kProgram); }
  static void payload(const std::vector<std::string> &words) {
    RunResult done = run(words);
    ASSERT_EQ(done.status, 0) << done.err;
  }
  RunResult apply(const std::string &patch, std::vector<std::string> options = {}) {
    folder_.write("fix.lp", "target program\n" + patch);
    options.insert(options.begin(), {"apply", "fix.lp", "--pid", pid()});
    return lpc(options);
  }
  RunResult revert(std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"revert", "fix", "--pid", pid()});
    return lpc(options);
  }
  std::string answer(const std::string &question = "?\n") {
    child_->send(question);
    return child_->line().value_or("(no answer)");
  }
  [[nodiscard]] std::string pid() const { return std::to_string(child_->pid()); }
  void expectAsBefore(const RunResult &last) { EXPECT_EQ(stateOf(child_->pid()), before_) << last.out << last.err; }

  WorkFolder folder_;
  std::optional<Child> child_;
  ProcessState before_;
};

TEST_F(Started, CallsInTheirOrder) {
  start();
  const char *patch =
      "return handle 7\non post-apply call say 3\non pre-apply call say 1\non pre-apply call say 2\n"
      "on post-revert call say 6\non pre-revert call say 4\non pre-revert call say 5\non post-revert call say -7\n";
  RunResult done = apply(patch);
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("pre-apply `say`: 0"));
  EXPECT_THAT(done.out, HasSubstr("post-apply `say`: 0"));
  EXPECT_EQ(answer(), "handle 7 said 1 2 3 ");
  done = revert();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 2 said 1 2 3 4 5 6 -7 ");
  expectAsBefore(done);
}

TEST_F(Started, AVetoLeavesThingsAsTheyAre) {
  start();
  RunResult done = apply("return handle 7\non pre-apply call veto 5\non pre-apply call say 9\n");
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(
      done.err,
      HasSubstr("fix.lp:3:1: error: `veto`, called first, returned 5: the patch stays as it was [call-refused]"));
  EXPECT_EQ(answer("c\n"), "handle 2 said ");
  expectAsBefore(done);

  done = apply("return handle 7\non pre-revert call veto 5\n");
  ASSERT_EQ(done.status, 0) << done.err;
  done = revert();
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("returned 5"));
  EXPECT_EQ(answer(), "handle 7 said 5 ");
}

TEST_F(Started, WhatFailsFailsAlone) {
  start();
  RunResult done = apply("return handle 7\non pre-apply call crash 16\n");
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("raised SIGSEGV"));
  EXPECT_THAT(done.err, HasSubstr("[call-failed]"));
  EXPECT_THAT(done.err, HasSubstr("calling `crash`"));
  done = apply("return handle 7\non pre-apply call spin\n", {"--timeout", "300ms"});
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("did not return within 300 ms"));
  EXPECT_EQ(answer(), "handle 2 said ");
  expectAsBefore(done);
  done = apply("return handle 7\non post-apply call crash 16\non post-apply call say 1\n");
  EXPECT_EQ(done.status, 0) << "it is applied all the same";
  EXPECT_THAT(done.out, HasSubstr("raised SIGSEGV"));
  EXPECT_EQ(answer(), "handle 7 said 1 ");
  EXPECT_EQ(revert().status, 0);
  EXPECT_EQ(answer(), "handle 2 said 1 ");
}

TEST_F(Started, DryRunsCallNothing) {
  start();
  RunResult done = apply("return handle 7\non pre-apply call say 1\non post-apply call say 2\n", {"--dry-run"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("functions are not called in a dry run"));
  EXPECT_EQ(answer(), "handle 2 said ");
  folder_.write("plan.lp", "target program\nreturn handle 7\non pre-apply call say 1 -1\n");
  done = lpc({"plan", "plan.lp", "--pid", pid()});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("calls:\n  line 3: pre-apply `say` 0x"));
  EXPECT_EQ(answer(), "handle 2 said ");
  expectAsBefore(done);
}

constexpr const char *kPayload = R"(
  #include <stdlib.h>
  int say(int);
  static int base;
  static int *box;
  extern void *__dso_handle __attribute__((visibility("hidden")));
  int __cxa_atexit(void (*)(void *), void *, void *);
  static void at_exit(void *unused) { say(50); }
  __attribute__((constructor(201))) static void one(void) { base = 40; box = malloc(sizeof *box); *box = 2; say(10); }
  __attribute__((constructor(202))) static void two(void) { say(20); __cxa_atexit(at_exit, 0, &__dso_handle); }
  __attribute__((destructor(201))) static void down(void) { say(70); free(box); box = 0; }
  __attribute__((destructor(202))) static void down_first(void) { say(60); }
  int fixed(int x) { return x + base + *box; }
  int bye(int x) { return say(x); }
)";

TEST_F(Started, ConstructorsAndDestructors) {
  start();
  folder_.write("fix.c", kPayload);
  for (std::vector<std::string> kind : {std::vector<std::string>{"-c"}, {"-shared"}, {"-shared", "-s"}}) {
    SCOPED_TRACE(kind.back());
    std::vector<std::string> words{"gcc", "-O2", "-fPIC", "-o", "fix.o", "fix.c"};
    words.insert(words.end(), kind.begin(), kind.end());
    payload(words);
    answer("c\n");
    RunResult done =
        apply("dl fix fix.o\njmp handle $fix:fixed\non pre-apply call say 30\non post-revert call $fix:bye 45\n");
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answer(), "handle 43 said 10 20 30 ");
    done = revert();
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answer(), "handle 2 said 10 20 30 45 60 70 50 ");
    expectAsBefore(done);
  }
}

// What had been started is ended when the patch is not applied after all.
TEST_F(Started, ConstructorsOfARefusedPatch) {
  start();
  folder_.write("fix.c", kPayload);
  payload({"gcc", "-O2", "-shared", "-fPIC", "-o", "fix.so", "fix.c"});
  RunResult done = apply("dl fix fix.so\njmp handle $fix:fixed\non pre-apply call veto 30\n");
  EXPECT_EQ(done.status, 3);
  EXPECT_EQ(answer(), "handle 2 said 10 20 30 60 70 50 ");
  expectAsBefore(done);
}

TEST_F(Started, AConstructorThatFails) {
  start();
  folder_.write("fix.c", "int say(int); __attribute__((constructor(201))) static void one(void) { say(1); }\n"
                         "__attribute__((constructor(202))) static void two(void) { *(volatile int *)8 = say(2); }\n"
                         "__attribute__((destructor)) static void down(void) { say(3); }\n"
                         "int fixed(int x) { return x; }\n");
  payload({"gcc", "-O2", "-shared", "-fPIC", "-o", "fix.so", "fix.c"});
  RunResult done = apply("dl fix fix.so\njmp handle $fix:fixed\n");
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("calling the constructor `two` of fix.so: the function at 0x"));
  EXPECT_EQ(answer(), "handle 2 said 1 2 ");
  expectAsBefore(done);
}

// Each way of going wrong: the operation fails and says how, the process is as before.
TEST_F(Started, WhatConstructorsDoWrong) {
  start();
  struct Wrong {
    const char *code, *message;
  };
  for (const Wrong &wrong :
       {Wrong{"abort();", "raised SIGABRT"}, Wrong{"*(volatile int *)8 = 1;", "touching 0x8"},
        Wrong{"__builtin_trap();", "raised SIGILL"}, Wrong{"raise(SIGFPE);", "raised SIGFPE"},
        Wrong{"for (;;) base++;", "did not return within 300 ms"}, Wrong{"pause();", "did not return within 300 ms"},
        Wrong{"pthread_exit(0);", "ended its thread"},
        Wrong{"static pthread_mutex_t lock; pthread_mutex_lock(&lock); abort();",
              "what it held, such as locks, is held still"}}) {
    SCOPED_TRACE(wrong.code);
    folder_.write("fix.c", std::string("#include <pthread.h>\n#include <signal.h>\n#include <stdlib.h>\n"
                                       "#include <unistd.h>\nint say(int); static volatile int base;\n"
                                       "__attribute__((constructor)) static void start(void) { ") +
                               wrong.code + " }\nint fixed(int x) { return x + base; }\n");
    payload({"gcc", "-O2", "-shared", "-fPIC", "-o", "fix.so", "fix.c"});
    RunResult done = apply("dl fix fix.so\njmp handle $fix:fixed\n", {"--timeout", "300ms"});
    EXPECT_EQ(done.status, 3);
    EXPECT_THAT(done.err, HasSubstr("calling the constructor `start` of fix.so"));
    EXPECT_THAT(done.err, HasSubstr(wrong.message));
    EXPECT_THAT(done.err, HasSubstr("[call-failed]"));
    EXPECT_EQ(answer(), "handle 2 said ");
    expectAsBefore(done);
  }
}

TEST_F(Started, WhatDestructorsDoWrong) {
  start();
  for (const char *code : {"abort();", "*(volatile int *)8 = 1;", "for (;;) base++;", "pthread_exit(0);"}) {
    SCOPED_TRACE(code);
    folder_.write("fix.c", std::string("#include <pthread.h>\n#include <stdlib.h>\nint say(int);\n"
                                       "static volatile int base;\n"
                                       "__attribute__((destructor(201))) static void last(void) { say(7); }\n"
                                       "__attribute__((destructor(202))) static void end(void) { ") +
                               code + " }\nint fixed(int x) { return x + base + 40; }\n");
    payload({"gcc", "-O2", "-shared", "-fPIC", "-o", "fix.so", "fix.c"});
    answer("c\n");
    RunResult done = apply("dl fix fix.so\njmp handle $fix:fixed\n");
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answer(), "handle 41 said ");
    done = revert({"--timeout", "300ms"});
    EXPECT_EQ(done.status, 0) << "it is taken back all the same: " << done.err;
    EXPECT_THAT(done.out, HasSubstr("calling the destructor `end` of fix.so"));
    EXPECT_EQ(answer(), "handle 2 said 7 ");
    expectAsBefore(done);
  }
}

// A static program that makes threads itself has all that is needed.
TEST_F(Started, InStaticPrograms) {
  folder_.write("fix.c", R"(
    #include <stdlib.h>
    int say(int);
    static int *box;
    static int small(int x) { return x + *box; }
    static int (*resolve(void))(int) { say(10); return small; }
    static int inner(int) __attribute__((ifunc("resolve")));
    __attribute__((constructor)) static void up(void) { box = malloc(sizeof *box); *box = 2; say(20); }
    __attribute__((destructor)) static void down(void) { free(box); say(60); }
    int fixed(int x) { return inner(x) + 40; })");
  payload({"gcc", "-O2", "-shared", "-fPIC", "-o", "fix.o", "fix.c"});
  for (std::vector<std::string> how : {std::vector<std::string>{"gcc", "-static"}, {"gcc", "-static-pie", "-fPIE"}}) {
    SCOPED_TRACE(how[1]);
    start(how, kProgram);
    RunResult done =
        apply("dl fix fix.o\njmp handle $fix:fixed\non pre-apply call say 30\non post-revert call say 50\n");
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answer(), "handle 43 said 10 20 30 ");
    done = revert();
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answer(), "handle 2 said 10 20 30 50 60 ");
    expectAsBefore(done);
    done = apply("return handle 7\non pre-apply call crash 16\n");
    EXPECT_EQ(done.status, 3);
    EXPECT_THAT(done.err, HasSubstr("raised SIGSEGV"));
    expectAsBefore(done);
  }
}

TEST_F(Started, RefusedWithoutThreads) {
  if (run({"musl-gcc", "--version"}).status != 0) GTEST_SKIP() << "musl-gcc is not installed";
  start({"musl-gcc", "-static"}, kProgram);
  RunResult done = apply("return handle 7\non pre-apply call say 1\n");
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("[no-threads]"));
  EXPECT_EQ(answer(), "handle 2 said ");
  EXPECT_EQ(apply("return handle 7\n").status, 0) << "the same without it";
  EXPECT_EQ(revert().status, 0);
}

} // namespace
} // namespace lpc::test
