// C++ across the boundary, in eight threads: exceptions thrown inside of payloads, by them, and through them in both
// directions; types known on both sides, asked for from both; templates, static objects and their destructors. With
// every pair of C++ library and unwinder.
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

constexpr const char *kHeader = R"(
  #include <map>
  #include <stdexcept>
  #include <string>
  #include <vector>
  struct Base { virtual ~Base() = default; virtual int area() const { return 1; } };
  struct Derived : Base { int side = 3; int area() const override { return side; } };
  struct Custom : std::runtime_error { int code; Custom(int c) : std::runtime_error("custom"), code(c) {} };
  template <class T> struct Counted { static std::vector<T> all; static T add(T value); };
  template <class T> std::vector<T> Counted<T>::all;
  template <class T> [[gnu::noinline]] T Counted<T>::add(T value) { all.push_back(value); return value; }
  extern thread_local int own;
  extern const Base *current;
  int inspect(const Base *shape); // of the program: what it takes the object for
  int thrower(int x);             // of the program, throws
  int caller(int x);              // of the program, calls `inner` and catches
  int inner(int x);
  void ended(int x);              // of the program
)";
constexpr const char *kProgram = R"(
  #include <atomic>
  #include <chrono>
  #include <cstdio>
  #include <thread>
  #include "shapes.h"
  thread_local int own = 1;
  static Derived derived;
  const Base *current = &derived;
  static std::atomic<int> ends;
  void ended(int x) { ends += x; }
  [[gnu::noinline]] int inspect(const Base *shape) {
    const auto *known = dynamic_cast<const Derived *>(shape);
    return known ? known->side : typeid(*shape) == typeid(Base) ? -1 : -2;
  }
  [[gnu::noinline]] int thrower(int x) { if (x > 100) throw Custom(x); return x; }
  [[gnu::noinline]] int inner(int x) { return thrower(x); }
  int (*volatile through)(int) = inner;
  [[gnu::noinline]] int caller(int x) {
    try { return through(x); } catch (const Custom &e) { return -e.code; } catch (const std::exception &e) { return -1; }
  }
  static std::atomic<long> rounds, wrong;
  static void work() {
    for (int x = 0;; x = (x + 1) % 300) {
      int result = caller(x), kept = x > 100 ? -x : x;
      if (result != kept && result != 1000 + kept && result != -2000) wrong++;
      rounds++;
      std::this_thread::sleep_for(std::chrono::microseconds(200)); // or somebody is always in it
    }
  }
  int main() {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    Counted<long>::add(7);
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++) threads.emplace_back(work);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) {
      long before = rounds;
      while (rounds < before + 2000) std::this_thread::yield();
      int small = caller(5), large = caller(200);
      printf("small %d large %d wrong %ld ends %d\n", small, large, wrong.load(), ends.load());
    }
    _Exit(0);
  })";
constexpr const char *kPayload = R"(
  #include "shapes.h"
  static std::map<int, std::string> texts{{1, "one"}, {2, std::string(100, 'x')}};
  static struct Ending { ~Ending() { ended((int)texts.size()); } } ending; // ends before what it uses
  struct Other : Base {};
  struct Finer : Derived { Finer() { side = 40; } };
  struct Guard { int &count; ~Guard() { count++; } };
  static int inside(int x) { if (x % 2) throw std::string("mine"); return x; }
  static bool typesAgree() {
    Derived same; Finer finer; Other other; Base base;
    auto *square = dynamic_cast<const Derived *>(current); // made by the program
    return square && square->area() == 3 && inspect(&same) == 3 && inspect(&finer) == 40 && inspect(&other) == -2 &&
           inspect(&base) == -1;
  }
  static std::vector<long> &numbers() { static std::vector<long> all{Counted<long>::all.at(0), 8}; return all; }
  int fixed(int x) {
    int unwound = 0;
    own++;
    try { Guard guard{unwound}; inside(1); } catch (const std::string &s) { unwound += s == "mine" ? 10 : 0; }
    try { Guard guard{unwound}; thrower(500); } catch (const std::runtime_error &e) {
      unwound += dynamic_cast<const Custom *>(&e)->code == 500 ? 100 : 0;
    }
    if (unwound != 112 || !typesAgree() || texts.at(2).size() != 100 || numbers().at(0) != 7) throw 5;
    if (x % 50 == 49) throw Custom(2000);
    return thrower(x) + 1000; // passes through
  })";

struct Kind {
  std::string name;
  std::vector<std::string> compiler;
  std::vector<std::string> program{}; // options for the program alone
};
void PrintTo(const Kind &kind, std::ostream *out) { *out << kind.name; }

class Cxx : public Linkage, public testing::WithParamInterface<Kind> {
protected:
  std::vector<std::string> words(const std::vector<std::string> &more) {
    std::vector<std::string> all = GetParam().compiler;
    all.insert(all.end(), {"-O2", "-pthread"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_P(Cxx, ExceptionsAndTypesInBothDirections) {
  folder_.write("shapes.h", kHeader);
  folder_.write("main.cpp", kProgram);
  folder_.write("fix.cpp", kPayload);
  std::vector<std::string> forProgram = GetParam().program;
  forProgram.insert(forProgram.begin(), {"-o", "program", "main.cpp"});
  if (!compile(words(forProgram))) GTEST_SKIP() << why_;
  start({"./program"});
  ASSERT_EQ(ask(), "small 5 large -200 wrong 0 ends 0");
  const size_t threads = stateOf(child_->pid()).threads;
  int ends = 0;
  for (const char *form : {"-shared", "-c"}) {
    SCOPED_TRACE(form);
    ASSERT_TRUE(compile(words({form, "-fPIC", "-o", "fix.o", "fix.cpp"}))) << why_;
    folder_.write("fix.lp", "target program\ndl fix fix.o\njmp \"inner(int)\" $fix:\"fixed(int)\"\n");
    RunResult done = apply({"--timeout", "20s"});
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(), "small 1005 large -200 wrong 0 ends " + std::to_string(ends));
    done = lpc({"revert", "fix", "--pid", pid(), "--timeout", "20s"});
    ASSERT_EQ(done.status, 0) << done.err;
    ends += 2;
    EXPECT_EQ(ask(), "small 5 large -200 wrong 0 ends " + std::to_string(ends)) << done.out << done.err;
    EXPECT_EQ(stateOf(child_->pid()).threads, threads);
  }
}

// A payload in C knows nothing of exceptions; those of functions that it calls, by name or by pointer, pass through it.
TEST_P(Cxx, ExceptionsPassThroughPayloadsInC) {
  folder_.write("main.cpp", R"(
    #include <cstdio>
    #include <cstring>
    #include <stdexcept>
    #include <thread>
    #include <vector>
    struct Guard { int &count; ~Guard() { count++; } };
    static int unwound;
    extern "C" [[gnu::noinline]] int thrower(int x) { if (x == 3) throw std::runtime_error("three"); return x; }
    extern "C" [[gnu::noinline]] int handle(int (*call)(int), int x) { Guard guard{unwound}; return call(x) * 3; }
    int (*volatile callee)(int (*)(int), int) = handle;
    int main() {
      setvbuf(stdout, nullptr, _IOLBF, 0);
      std::thread([] {}).join();
      puts("ready");
      for (char line[64]; fgets(line, sizeof line, stdin);) {
        int result = 0;
        try { Guard guard{unwound}; result = callee(thrower, (int)strlen(line)); } catch (const std::exception &) { result = -1; }
        printf("result %d unwound %d\n", result, unwound);
      }
    })");
  folder_.write("fix.c", R"(
    int thrower(int x);
    int fix(int (*call)(int), int x) { volatile int a = call(x), b = thrower(x == 4 ? 3 : x); return a + b + 1000; })");
  std::vector<std::string> forProgram{"-o", "program", "main.cpp"};
  forProgram.insert(forProgram.end(), GetParam().program.begin(), GetParam().program.end());
  if (!compile(words(forProgram))) GTEST_SKIP() << why_;
  start({"./program"});
  ASSERT_EQ(ask("a"), "result 6 unwound 2");
  ASSERT_EQ(ask("ab"), "result -1 unwound 4");
  for (const char *form : {"-shared", "-c"}) {
    SCOPED_TRACE(form);
    start({"./program"});
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", form, "-o", "fix.o", "fix.c"})) << why_;
    folder_.write("fix.lp", "target program\ndl fix fix.o\njmp handle $fix:fix\n");
    RunResult done = apply();
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask("a"), "result 1004 unwound 1");
    EXPECT_EQ(ask("ab"), "result -1 unwound 2") << "thrown by what a pointer leads to";
    EXPECT_EQ(ask("abc"), "result -1 unwound 3") << "thrown by what a name leads to";
    done = revert();
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask("ab"), "result -1 unwound 5");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Live, Cxx,
    testing::Values(
        Kind{"libstdcxx", {"g++"}}, Kind{"Exported", {"g++", "-rdynamic"}},
        Kind{"UnwinderInTheProgram", {"g++", "-static-libgcc"}}, // all of the library, as a program has it that uses it
                                                                 // all; a static one has no __tls_get_addr
        Kind{"Static",
             {"g++", "-ftls-model=initial-exec"},
             {"-static", "-Wl,--whole-archive", "-lstdc++", "-Wl,--no-whole-archive,-u,__cxa_finalize"}},
        Kind{"Clang", {"clang++-19"}}, Kind{"libcxx", {"clang++-19", "-stdlib=libc++"}},
        Kind{"libcxxAndLibunwind", {"clang++-19", "-stdlib=libc++", "-unwindlib=libunwind", "-rtlib=compiler-rt"}}),
    [](const auto &test) { return test.param.name; });

} // namespace
} // namespace lpc::test
