// Payloads as C and C++ programmers write them, linked into running programs: relocatable and shared objects, several
// that refer to each other, static functions, thread-local variables, classes on both sides. Each is reverted, and the
// program is as it was.
#include <gmock/gmock.h>

#include "ir/support/cat.h"
#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

constexpr const char *kMain = R"(
  #include <dlfcn.h>
  #include <errno.h>
  #include <pthread.h>
  #include <semaphore.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  _Thread_local int own = 10;
  extern _Thread_local int theirs;
  int counter = 100;
  static volatile int hidden_count = 7;
  static __attribute__((noinline)) int helper(int x) { return x + 1 + hidden_count; }
  __attribute__((noinline)) int handle(int x) { return helper(x) + counter - counter; }
  int (*volatile callee)(int) = handle;
  int util(int);
  static char line[64];
  static sem_t asked, answered;
  // What calls have left on the stack would be pointers to memory that is to be given back.
  static __attribute__((noinline)) void wipe(void) {
    volatile char stack[16384];
    for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0;
  }
  static void answer(const char *name) {
    errno = 0;
    int result = callee(1);
    printf("%s handle %d own %d theirs %d errno %d counter %d hidden %d\n", name, result, own, theirs, errno, counter,
           hidden_count);
    wipe();
  }
  static void *other(void *unused) {
    own = 500;
    char *volatile block = malloc(1); // its part of the heap is there from the start
    free(block);
    for (;;) {
      sem_wait(&asked);
      answer("other");
      sem_post(&answered);
    }
    return unused;
  }
  int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *opened = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    printf("ready%s\n", argc > 1 && !opened ? " without its library" : "");
    while (fgets(line, sizeof line, stdin)) {
      answer("main");
      sem_post(&asked);
      sem_wait(&answered);
    }
    return util(0);
  })";
constexpr const char *kUtil = R"(
  static __attribute__((noinline)) int helper(int x) { return x + 2000; }
  int (*volatile through)(int) = helper;
  int util(int x) { return through(x); })";
constexpr const char *kLibrary = "_Thread_local int theirs = 20; _Thread_local char room[4096];\n";
constexpr const char *kLate = "_Thread_local int late = 30;\n";

class Program {
public:
  Program(const WorkFolder &folder, bool pie) {
    folder.write("main.c", kMain);
    folder.write("util.c", kUtil);
    folder.write("library.c", kLibrary);
    folder.write("late.c", kLate);
    build({"-shared", "-fPIC", "-o", "libtheirs.so", "library.c"});
    build({"-shared", "-fPIC", "-o", "liblate.so", "late.c"});
    build({pie ? "-pie" : "-no-pie", pie ? "-fPIE" : "-fno-pie", "-g", "-o", "program", "main.c", "util.c",
           "./libtheirs.so", "-pthread"});
    child_.emplace(std::vector<std::string>{folder.path() + "/program", folder.path() + "/liblate.so"});
    EXPECT_EQ(child_->line(), "ready");
    before_ = answers();
    state_ = stateOf(child_->pid());
  }

  static void build(std::vector<std::string> words, const std::string &compiler = "gcc") {
    words.insert(words.begin(), {compiler, "-O2"});
    RunResult done = run(words);
    EXPECT_EQ(done.status, 0) << done.err;
  }

  std::string answers() {
    child_->send("\n");
    std::string main = child_->line().value_or("(no answer)");
    return main + "; " + child_->line().value_or("(no answer)");
  }
  RunResult apply(const std::string &file) { return lpc({"apply", file, "--pid", std::to_string(child_->pid())}); }
  // Takes the patch back and looks whether all is as before, but for what the payload has changed on purpose.
  void revert(const std::string &name, const std::string &expected) {
    RunResult done = lpc({"revert", name, "--pid", std::to_string(child_->pid())});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answers(), expected);
    EXPECT_EQ(stateOf(child_->pid()), state_) << done.out << done.err; // memory that is kept is told
  }
  void revert(const std::string &name) { revert(name, before_); }
  void revertOnly(const std::string &name) {
    RunResult done = lpc({"revert", name, "--pid", std::to_string(child_->pid())});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answers(), before_);
  }
  [[nodiscard]] const std::string &before() const { return before_; }

private:
  std::optional<Child> child_;
  std::string before_;
  ProcessState state_;
};

constexpr const char *kBefore = "main handle 9 own 10 theirs 20 errno 0 counter 100 hidden 7; "
                                "other handle 9 own 500 theirs 20 errno 0 counter 100 hidden 7";

class Payloads : public testing::Test {
protected:
  // `payload.o` or `payload.so` of one source, and a patch that replaces `handle` with its function `fix`.
  void build(const std::string &source, const std::vector<std::string> &flags, bool object = true) {
    folder_.write("payload.c", source);
    std::vector<std::string> words = flags;
    words.insert(words.end(), {"-o", "payload.o", "payload.c"});
    words.insert(words.begin(), object ? "-c" : "-shared");
    Program::build(words);
    folder_.write("fix.lp", "target program\ndl p payload.o\njmp handle $p:fix\n");
  }
  WorkFolder folder_;
};

constexpr const char *kUsesTheProgram = R"(
  #include <string.h>
  extern int counter, hidden_count;
  extern int nobody __attribute__((weak));
  static int calls;
  int tentative;
  static const char *const words[] = {"one", "three"};
  int fix(int x) {
    const char *volatile word = words[x];
    calls++, tentative += 2;
    return (int)strlen(word) * 1000 + counter + hidden_count + calls * 10 + tentative + (&nobody ? 5000 : 0);
  })";

TEST_F(Payloads, RelocatableObjects) {
  struct Build {
    bool pie;
    std::vector<std::string> flags;
  };
  for (bool pie : {true, false}) {
    Program program(folder_, pie);
    ASSERT_EQ(program.before(), kBefore);
    for (const Build &each : {Build{true, {"-fPIC"}}, Build{true, {"-fPIE"}}, Build{true, {"-fPIC", "-O0"}},
                              Build{true, {"-fPIC", "-fno-plt"}}, Build{true, {"-fPIC", "-mcmodel=large"}},
                              Build{true, {"-fPIC", "-fcommon", "-ffunction-sections", "-fdata-sections"}},
                              Build{true, {"-fno-pic", "-mcmodel=large"}}, Build{false, {"-fno-pic"}}}) {
      SCOPED_TRACE(each.flags.back() + (pie ? " PIE" : ""));
      build(kUsesTheProgram, each.flags);
      RunResult done = program.apply("fix.lp");
      if (pie && !each.pie) { // addresses of 32 bits, in a program that is elsewhere
        EXPECT_EQ(done.status, 1);
        EXPECT_THAT(done.err, HasSubstr("[relocation-overflow]"));
        EXPECT_THAT(done.err, HasSubstr("-fPIC"));
        EXPECT_EQ(program.answers(), kBefore);
        continue;
      }
      ASSERT_EQ(done.status, 0) << done.err;
      EXPECT_EQ(program.answers(), "main handle 5119 own 10 theirs 20 errno 0 counter 100 hidden 7; "
                                   "other handle 5131 own 500 theirs 20 errno 0 counter 100 hidden 7");
      program.revert("fix");
    }
  }
}

TEST_F(Payloads, ObjectsOfOnePatchReferToEachOther) {
  Program program(folder_, true);
  folder_.write("a.c", "int second(int); __attribute__((visibility(\"hidden\"))) int shared = 4;\n"
                       "int fix(int x) { return second(x) * 10; } int third(int x) { return x + 1; }\n");
  folder_.write("b.c", "extern __attribute__((visibility(\"hidden\"))) int shared; int third(int);\n"
                       "int second(int x) { return third(x) + shared++; }\n");
  for (const char *model : {"-fPIC", "-fPIE"}) {
    Program::build({"-c", model, "-o", "a.o", "a.c"});
    Program::build({"-c", model, "-o", "b.o", "b.c"});
    for (const char *order : {"dl a a.o\ndl b b.o\n", "dl b b.o\ndl a a.o\n"}) {
      folder_.write("fix.lp", std::string("target program\n") + order + "jmp handle $a:fix\n");
      RunResult done = program.apply("fix.lp");
      ASSERT_EQ(done.status, 0) << done.err;
      EXPECT_THAT(program.answers(), HasSubstr("main handle 60 own"));
      EXPECT_THAT(program.answers(), HasSubstr("other handle 90 own"));
      program.revert("fix");
    }
  }
}

TEST_F(Payloads, StaticFunctionsByTheirFile) {
  Program program(folder_, true);
  build("extern int helper(int); int fix(int x) { return helper(x) * 2; }", {"-fPIC"});
  RunResult done = program.apply("fix.lp");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("[ambiguous-symbol]"));
  EXPECT_EQ(program.answers(), kBefore);
  folder_.write("fix.lp", "target program\ndl p payload.o with helper = util.c:helper\njmp handle $p:fix\n");
  done = program.apply("fix.lp");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(program.answers(), HasSubstr("main handle 4002 own"));
  program.revert("fix");
}

TEST_F(Payloads, VersionsOfSymbols) {
  Program program(folder_, true);
  // The old memcpy, which is memmove, and is no default: both are called.
  build("#include <string.h>\nvoid *old(void *, const void *, unsigned long); __asm__(\".symver old, "
        "memcpy@GLIBC_2.2.5\");\n"
        "int fix(int x) { char buffer[8] = \"12345\"; old(buffer + 1, buffer, (unsigned long)x * 4);\n"
        "return buffer[3] - '0'; }",
        {"-fPIC"}, false);
  RunResult done = program.apply("fix.lp");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(program.answers(), HasSubstr("main handle 3 own"));
  program.revert("fix");
}

TEST_F(Payloads, ThreadLocalVariablesOfTheProcess) {
  const char *source = "extern _Thread_local int own, theirs, errno;\n"
                       "int fix(int x) { own += x; theirs += 2 * x; errno = 5; return own * 100 + theirs; }\n";
  for (bool pie : {true, false}) {
    Program program(folder_, pie);
    int calls = 0;
    for (bool object : {false, true})
      for (const char *model :
           {"-ftls-model=global-dynamic", "-ftls-model=initial-exec", "-mtls-dialect=gnu2", "-ftls-model=local-exec"}) {
        if (!object && std::string(model).ends_with("local-exec")) continue; // a linker refuses it
        SCOPED_TRACE(std::string(model) + (object ? " object" : ""));
        build(source, {model, "-fPIC"}, object);
        RunResult done = program.apply("fix.lp");
        ASSERT_EQ(done.status, 0) << done.err;
        calls++; // each thread has its own
        auto line = [&](const char *name, int start, bool patched) {
          int own = start + calls, theirs = 20 + 2 * calls;
          return cat(name, " handle ", patched ? own * 100 + theirs : 9, " own ", own, " theirs ", theirs, " errno ",
                     patched ? 5 : 0, " counter 100 hidden 7");
        };
        EXPECT_EQ(program.answers(), line("main", 10, true) + "; " + line("other", 500, true));
        program.revert("fix", line("main", 10, false) + "; " + line("other", 500, false));
      }
  }
}

TEST_F(Payloads, ThreadLocalVariablesOfLibrariesOpenedLater) {
  Program program(folder_, true);
  const char *source = "extern _Thread_local int late; int fix(int x) { late += x; return late; }\n";
  build(source, {"-fPIC"});
  RunResult done = program.apply("fix.lp");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(program.answers(), HasSubstr("main handle 31 own"));
  std::string again = program.answers();
  EXPECT_THAT(again, HasSubstr("main handle 32 own"));
  EXPECT_THAT(again, HasSubstr("other handle 32 own"));
  program.revertOnly("fix"); // the threads keep the blocks of the library's variables, which they have now
  build(source, {"-fPIC", "-ftls-model=initial-exec"});
  done = program.apply("fix.lp");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("[thread-local-symbol]"));
  EXPECT_THAT(done.err, HasSubstr("-ftls-model=global-dynamic"));
  EXPECT_EQ(program.answers(), kBefore);
}

// --- C++ ------------------------------------------------------------------------------------------------------

constexpr const char *kShapes = R"(
  #include <string>
  #include <vector>
  struct Shape { virtual ~Shape() = default; virtual int area() const { return 1; } };
  struct Square : Shape { int side; explicit Square(int s) : side(s) {} int area() const override { return side * side; } };
  inline int made = 0;
  inline std::vector<int> &history() { static std::vector<int> all; return all; }
  template <class T> struct Counted { static int count; };
  template <class T> int Counted<T>::count = 0;
  template <class T> T twice(T value) { return value + value; }
  extern const Shape *current;
  int describe(int x);
)";

TEST_F(Payloads, CxxOnBothSides) {
  folder_.write("shapes.h", kShapes);
  folder_.write("main.cpp", R"(
    #include <cstdio>
    #include <thread>
    #include "shapes.h"
    static Square square(3);
    const Shape *current = &square;
    [[gnu::noinline]] int describe(int x) { made++; history().push_back(x); Counted<int>::count++; return twice(x); }
    int (*volatile callee)(int) = describe;
    [[gnu::noinline]] static void wipe() { // as above
      volatile char stack[16384];
      for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0;
    }
    int main() {
      std::thread([] { delete new int; }).join(); // the C library keeps a part of the heap for further threads
      setvbuf(stdout, nullptr, _IOLBF, 0);
      puts("ready");
      for (char line[64]; fgets(line, sizeof line, stdin);) {
        int result = callee(5);
        printf("%d made %d history %zu counted %d\n", result, made, history().size(), Counted<int>::count);
        wipe();
      }
    })");
  folder_.write("fix.cpp", R"(
    #include "shapes.h"
    struct Circle : Shape { int area() const override { return 3; } };
    int fix(int x) {
      made += 10;
      history().push_back(x), history().push_back(x);
      Counted<int>::count += 100;
      auto *square = dynamic_cast<const Square *>(current);     // made by the program, cast here
      Circle round;
      const Shape *volatile circle = &round;
      int area = circle->area() + (dynamic_cast<const Square *>(circle) ? 1000 : 0);
      return (square ? square->side * 100 : -1) + area + (int)twice(std::string("ab")).size();
    })");
  for (const char *exporting : {"-rdynamic", "-g"}) {
    Program::build({exporting, "-pthread", "-o", "program", "main.cpp"}, "g++");
    Child child({folder_.path() + "/program"});
    ASSERT_EQ(child.line(), "ready");
    auto answer = [&] {
      child.send("\n");
      return child.line().value_or("(no answer)");
    };
    EXPECT_EQ(answer(), "10 made 1 history 1 counted 1");
    ProcessState before = stateOf(child.pid());
    std::string pid = std::to_string(child.pid());
    int made = 1;
    size_t history = 1;
    auto numbers = [&](int counted) {
      return " made " + std::to_string(made) + " history " + std::to_string(history) + " counted " +
             std::to_string(counted);
    };
    int counted = 1;
    for (const char *kind : {"-c", "-shared"}) {
      SCOPED_TRACE(kind);
      Program::build({kind, "-fPIC", "-o", "fix.o", "fix.cpp"}, "g++");
      folder_.write("fix.lp", "target program\ndl p fix.o\njmp \"describe(int)\" $p:\"fix(int)\"\n");
      RunResult done = lpc({"apply", "fix.lp", "--pid", pid});
      ASSERT_EQ(done.status, 0) << done.err;
      made += 10, history += 2, counted += 100;
      EXPECT_EQ(answer(), "307" + numbers(counted));
      done = lpc({"revert", "fix", "--pid", pid});
      EXPECT_EQ(done.status, 0) << done.err;
      made++, history++, counted++;
      EXPECT_EQ(answer(), "10" + numbers(counted));
      EXPECT_EQ(stateOf(child.pid()), before) << done.out << done.err;
    }
  }
}

} // namespace
} // namespace lpc::test
