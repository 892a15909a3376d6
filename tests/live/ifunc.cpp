// The name of an IFUNC means the implementation that the process uses, found in what it has bound.
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

// `pick` of the library, `own` of the program: each is the second implementation. With FICKLE the resolver of `pick`
// never gives the same one twice.
constexpr const char *kIfuncLibrary = R"(
  __attribute__((noinline)) int pick_one(int x) { return x + 1; }
  __attribute__((noinline)) int pick_two(int x) { return x + 2; }
  static int resolved;
  static int (*resolve(void))(int) {
  #ifdef FICKLE
    if (resolved++) return pick_one;
  #endif
    return pick_two;
  }
  int pick(int) __attribute__((ifunc("resolve")));
)";
constexpr const char *kIfuncUser = "int pick(int); int use(int x) { return pick(x); }\n";
constexpr const char *kIfuncProgram = R"(
  #include <stdio.h>
  #include <string.h>
  int pick(int), use(int);
  __attribute__((noinline)) int own_one(int x) { return x + 10; }
  __attribute__((noinline)) int own_two(int x) { return x + 20; }
  static int (*resolve_own(void))(int) { return own_two; }
  int own(int) __attribute__((ifunc("resolve_own")));
  __attribute__((noinline)) int hundred(int x) { return x + 100; }
  int (*before)(int);
  __attribute__((noinline)) int doubled(int x) { return before(x) * 2; }
  int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
      size_t (*volatile length)(const char *) = strlen;
      printf("pick %d use %d own %d length %zu\n", pick(0), use(0), own(0), length(line));
    }
    return 0;
  })";
constexpr const char *kIfuncBefore = "pick 2 use 2 own 20 length 2";

class Ifunc : public Linkage {
protected:
  void startProgram(const std::vector<std::string> &programFlags, const std::vector<std::string> &libraryFlags = {}) {
    folder_.write("library.c", kIfuncLibrary);
    folder_.write("user.c", kIfuncUser);
    folder_.write("program.c", kIfuncProgram);
    auto with = [](std::vector<std::string> words, const std::vector<std::string> &more) {
      words.insert(words.end(), more.begin(), more.end());
      return words;
    };
    ASSERT_TRUE(compile(with({"gcc", "-O2", "-fPIC", "-shared", "-o", "libpick.so", "library.c"}, libraryFlags)))
        << why_;
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-o", "libuse.so", "user.c"})) << why_;
    ASSERT_TRUE(
        compile(with({"gcc", "-O2", "-g", "-o", "program", "program.c", "./libuse.so", "./libpick.so"}, programFlags)))
        << why_;
    start({"./program"});
  }
  RunResult apply(const std::string &statements) {
    folder_.write("fix.lp", "target program\n" + statements);
    return Linkage::apply();
  }
  void expectWorks(const std::string &statements, const std::string &implementation, const std::string &answer) {
    SCOPED_TRACE(statements);
    RunResult done = apply(statements);
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_THAT(done.err, HasSubstr("`" + implementation + "`, which the process uses for it"));
    EXPECT_EQ(ask(), answer);
    EXPECT_EQ(revert().status, 0);
    EXPECT_EQ(ask(), kIfuncBefore);
  }
};

class IfuncIn : public Ifunc, public testing::WithParamInterface<std::vector<std::string>> {};

TEST_P(IfuncIn, EveryStatementMeansTheImplementation) {
  startProgram(GetParam());
  ASSERT_EQ(ask(), kIfuncBefore);
  expectWorks("jmp pick hundred\n", "pick_two", "pick 100 use 100 own 20 length 2");
  expectWorks("jmp own hundred\n", "own_two", "pick 2 use 2 own 100 length 2");
  expectWorks("return pick 7\n", "pick_two", "pick 7 use 7 own 20 length 2");
  expectWorks("hook own doubled original before\n", "own_two", "pick 2 use 2 own 40 length 2");
  expectWorks("jmp own hundred\nquiesce pick\n", "pick_two", "pick 2 use 2 own 100 length 2");
}

TEST_P(IfuncIn, OfTheCLibrary) {
  startProgram(GetParam());
  ASSERT_EQ(ask(), kIfuncBefore);
  folder_.write(
      "payload.c",
      "unsigned long fix(const char *s) { unsigned long n = 0; while (s[n]) n++; return n == 2 ? 77 : n; }\n");
  ASSERT_TRUE(compile({"gcc", "-O1", "-fno-builtin", "-fPIC", "-shared", "-o", "payload.so", "payload.c"})) << why_;
  RunResult done = apply("dl p payload.so\njmp libc.so.6!strlen $p:fix\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "pick 2 use 2 own 20 length 77");
  EXPECT_EQ(revert().status, 0);
  EXPECT_EQ(ask(), kIfuncBefore);
}

INSTANTIATE_TEST_SUITE_P(Live, IfuncIn,
                         testing::Values(std::vector<std::string>{"-no-pie", "-fno-pie"},
                                         std::vector<std::string>{"-pie", "-fPIE", "-Wl,-z,now"},
                                         std::vector<std::string>{"-pie", "-fPIE", "-Wl,-z,lazy"}),
                         [](const auto &test) {
                           return test.param[0] == "-no-pie" ? "NoPie" : test.param[2] == "-Wl,-z,now" ? "Now" : "Lazy";
                         });

TEST_F(Ifunc, NotBoundYet) {
  startProgram({"-Wl,-z,lazy"});
  RunResult done = apply("jmp pick hundred\n");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("nothing in the process shows which implementation it uses"));
  EXPECT_THAT(done.err, HasSubstr("[ifunc-symbol]"));
  EXPECT_THAT(done.err, HasSubstr("name the implementation that is meant"));
  EXPECT_EQ(ask(), kIfuncBefore);
}

TEST_F(Ifunc, BoundToDifferentOnes) {
  startProgram({"-Wl,-z,now"}, {"-DFICKLE"});
  std::string before = ask();
  RunResult done = apply("jmp pick hundred\n");
  EXPECT_EQ(done.status, 1) << before;
  EXPECT_THAT(done.err, HasSubstr("2 different implementations"));
  EXPECT_THAT(done.err, HasSubstr("`pick_one`"));
  EXPECT_THAT(done.err, HasSubstr("`pick_two`"));
  EXPECT_EQ(ask(), before);
}

TEST_F(Ifunc, WithoutAProcessTheCheckSaysWhatIsMissing) {
  startProgram({});
  folder_.write("fix.lp", "target program\njmp own hundred\n");
  RunResult done = lpc({"check", "fix.lp"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("with a process (`--pid PID`) the implementation that it uses is meant"));
  done = lpc({"check", "fix.lp", "--pid", pid()});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("`own_two`, which the process uses for it, is what is meant here"));
}

} // namespace
} // namespace lpc::test
