// Constructors and destructors of `dlopen` that fail: the dynamic linker is led out of them, and the program's own
// dlopen, dlclose and exceptions go on as if nothing had been.
#include "tests/live/dlopen.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Threads throw and catch all the time, which takes the dynamic linker's word for where frames are.
constexpr const char *kThrowing = R"(
  #include <dlfcn.h>
  #include <atomic>
  #include <cstdio>
  #include <cstdlib>
  #include <cstring>
  #include <string>
  #include <thread>
  char said[256];
  extern "C" void say(const char *what) { strcat(said, what); strcat(said, " "); }
  extern "C" __attribute__((noinline)) int handle(int x) { __asm__ volatile("nop; nop; nop; nop; nop"); return x; }
  int (*volatile callee)(int) = handle;
  std::atomic<long> caught;
  static void throw_one() {
    try { throw std::string("one more"); } catch (const std::string &text) { caught += text.size() == 8; }
  }
  static void work() { for (;;) throw_one(); }
  int main(int argc, char **argv) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    for (int i = 1; i <= atoi(argv[argc - 1]); i++) std::thread(work).detach();
    puts("ready");
    char line[256];
    while (fgets(line, sizeof line, stdin)) {
      line[strcspn(line, "\n")] = 0;
      if (line[0] == 'l') {
        void *lib = dlopen(line + 2, RTLD_NOW);
        printf("loaded %d closed %d\n", lib != nullptr, lib ? dlclose(lib) : -1);
      } else if (line[0] == 't') {
        for (int i = 0; i < 1000; i++) throw_one();
        puts("thrown");
      } else
        printf("handle %d said %s\n", callee(0), said);
    }
  })";

struct Failing {
  std::string name, body, message;
  bool late = false;
};
void PrintTo(const Failing &failing, std::ostream *out) { *out << failing.name; }

constexpr const char *kBefore = R"(
  #include <cstdlib>
  #include <pthread.h>
  #include <stdexcept>
  #include <string.h>
  #include <unistd.h>
  extern "C" void say(const char *);
  static void bye() { say("bye"); }
  __attribute__((constructor(101))) static void first() { say("first"); atexit(bye); }
  __attribute__((constructor(103))) static void last() { say("last"); }
  __attribute__((destructor)) static void end() { say("end"); }
  extern "C" int fix(int x) { return x + 1; }
  void (*volatile nowhere)();
  volatile int zero;
  static void deeper(int n) { char here[64]; memset(here, n, sizeof here); if (n > 0) deeper(n - 1); else here[zero] = *(volatile char *)16; __asm__ volatile("" :: "r"(here)); }
  __attribute__((constructor(102))) static void begin() { )";

class DlopenFailures : public Dlopen {
protected:
  void startThrowing(int threads) {
    folder_.write("main.cpp", kThrowing);
    build({"g++", "-O2", "-g", "-rdynamic", "-pthread", "-o", "program", "main.cpp", "-ldl"});
    folder_.write("lib.c", "int lib(void) { return 7; }");
    build({"gcc", "-shared", "-fPIC", "-o", "lib.so", "lib.c"});
    child_.emplace(std::vector<std::string>{folder_.path() + "/program", std::to_string(threads)});
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
  }
  void expectUnlocked() {
    EXPECT_EQ(answer("l " + folder_.path() + "/lib.so"), "loaded 1 closed 0");
    EXPECT_EQ(answer("t"), "thrown");
  }
};

class Constructors : public DlopenFailures, public testing::WithParamInterface<std::tuple<Failing, int>> {};

TEST_P(Constructors, AreLedOutOf) {
  const auto &[failing, threads] = GetParam();
  startThrowing(threads);
  object(kBefore + failing.body + " }", "own", "g++");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n", {"--timeout", failing.late ? "500ms" : "5s"});
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr(failing.message));
  EXPECT_THAT(done.err, HasSubstr("[call-failed]"));
  EXPECT_THAT(done.err, HasSubstr("the constructors behind it were not called, and `dlopen` came to its end"));
  EXPECT_THAT(done.err, Not(HasSubstr("stays"))) << done.err;
  EXPECT_EQ(answer(), "handle 0 said first bye ") << "what it has registered is called; destructors are not";
  expectUnlocked();
  expectAsBefore();
  object("extern \"C\" int fix(int x) { return x + 2; }", "own", "g++");
  done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 2 "));
  EXPECT_EQ(revert().status, 0);
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
}

INSTANTIATE_TEST_SUITE_P(
    Live, Constructors,
    testing::Combine(testing::Values(Failing{"Crashes", "*(volatile int *)16 = 1;", "raised SIGSEGV at 0x"},
                                     Failing{"CrashesDeepDown", "deeper(20);", "touching 0x10"},
                                     Failing{"CallsNowhere", "nowhere();", "raised SIGSEGV at 0x0"},
                                     Failing{"Divides", "zero = 7 / zero;", "raised SIGFPE"},
                                     Failing{"Aborts", "abort();", "raised SIGABRT"},
                                     Failing{"Throws", "throw std::runtime_error(\"not caught\");", "raised SIGABRT"},
                                     Failing{"Loops", "for (;;) __asm__ volatile(\"pause\");", "did not return", true},
                                     Failing{"Sleeps", "for (;;) pause();", "did not return", true},
                                     Failing{"Waits",
                                             "pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; "
                                             "pthread_mutex_lock(&m); pthread_mutex_lock(&m);",
                                             "did not return", true},
                                     Failing{"Allocates", "for (;;) { void *volatile p = malloc(5000); free(p); }",
                                             "did not return", true}),
                     testing::Values(0, 8)),
    [](const auto &test) {
      return std::get<0>(test.param).name + (std::get<1>(test.param) == 0 ? "Alone" : "Among8Threads");
    });

// A constructor of a library that the object brings with it.
TEST_F(DlopenFailures, ALibrarysConstructor) {
  startThrowing(2);
  folder_.write("deep.c",
                "void say(const char *);\n"
                "__attribute__((constructor)) static void begin(void) { say(\"deep\"); *(volatile int *)16 = 1; }\n"
                "__attribute__((destructor)) static void end(void) { say(\"deep-end\"); }\n"
                "int deep(void) { return 3; }");
  build({"gcc", "-shared", "-fPIC", "-o", "libdeep.so", "deep.c"});
  folder_.write("own.c", "void say(const char *); int deep(void);\n"
                         "__attribute__((constructor)) static void begin(void) { say(\"begin\"); }\n"
                         "__attribute__((destructor)) static void end(void) { say(\"end\"); }\n"
                         "int fix(int x) { return x + deep(); }");
  build({"gcc", "-shared", "-fPIC", "-o", "own.so", "own.c", "-L.", "-ldeep", "-Wl,-rpath,$ORIGIN"});
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("raised SIGSEGV"));
  EXPECT_EQ(answer(), "handle 0 said deep ");
  EXPECT_THAT(mapped(), Not(HasSubstr("libdeep.so")));
  expectUnlocked();
  expectAsBefore();
}

// What an exception in flight has of the object stays, and the object with it.
TEST_F(DlopenFailures, InTheMiddleOfExceptions) {
  startThrowing(8);
  object(R"(
    __attribute__((constructor)) static void begin() { for (;;) try { throw 1; } catch (int) {} }
    extern "C" int fix(int x) { return x + 1; })",
         "own", "g++");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n", {"--timeout", "500ms"});
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("`dlopen` came to its end"));
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  expectUnlocked();
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

// A thread that a constructor has begun is in the object when the next constructor fails: it is not taken away.
TEST_F(DlopenFailures, WhatIsInUseStays) {
  startThrowing(2);
  object(R"(
    #include <pthread.h>
    #include <unistd.h>
    extern "C" void say(const char *);
    static volatile int stop;
    static void *work(void *) { while (!stop) usleep(1000); return nullptr; }
    __attribute__((constructor(101))) static void first() { pthread_t thread; pthread_create(&thread, nullptr, work, nullptr); }
    __attribute__((constructor(102))) static void begin() { *(volatile int *)16 = 1; }
    extern "C" int fix(int x) { return x + 1; })",
         "own", "g++");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err + done.out, HasSubstr("`own.so` stays loaded: "));
  EXPECT_THAT(mapped(), HasSubstr("own.so"));
  expectUnlocked();
  done = apply("dlopen own own.so\njmp handle $own:fix\n"); // would be loaded already, and constructed no more
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("from an attempt in which one of its constructors failed"));
  EXPECT_THAT(done.err, HasSubstr("[dlopen-failed]"));
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  expectUnlocked();
}

// Each destructor for itself, and dlclose comes to its end.
TEST_F(DlopenFailures, Destructors) {
  startThrowing(8);
  object(R"(
    #include <cstdlib>
    extern "C" void say(const char *);
    __attribute__((destructor(101))) static void last() { say("last"); }
    __attribute__((destructor(102))) static void third() { for (;;) __asm__ volatile("pause"); }
    __attribute__((destructor(103))) static void second() { say("second"); }
    __attribute__((destructor(104))) static void first() { abort(); }
    extern "C" int fix(int x) { return x + 1; })",
         "own", "g++");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  ASSERT_EQ(done.status, 0) << done.err;
  done = revert("fix", {"--timeout", "1s"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out + done.err, HasSubstr("raised SIGABRT"));
  EXPECT_EQ(answer(), "handle 0 said second last ");
  expectUnlocked();
  for (int i = 0; i < 5 && mapped().find("livepatch") != std::string::npos; i++)
    (void)revert();
  expectAsBefore();
}

// The dynamic linker is locked twice then, and there is no way that gives both back.
TEST_F(DlopenFailures, InADlopenOfItsOwn) {
  startThrowing(0);
  folder_.write("inner.c", "__attribute__((constructor)) static void begin(void) { *(volatile int *)16 = 1; }");
  build({"gcc", "-shared", "-fPIC", "-o", "inner.so", "inner.c"});
  object("#include <dlfcn.h>\n__attribute__((constructor)) static void begin(void) { dlopen(\"" + folder_.path() +
         "/inner.so\", RTLD_NOW); }\nint fix(int x) { return x + 1; }");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("raised SIGSEGV"));
  EXPECT_THAT(done.err, HasSubstr("the dynamic linker stays locked"));
  EXPECT_EQ(answer(), "handle 0 said ");
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

} // namespace
} // namespace lpc::test
