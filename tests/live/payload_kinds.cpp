// What compilers and link editors make of payloads, a kind a test: each says by which mark of `readelf` it is known, is
// linked into a running program, called through the function that it replaces, and taken back.
#include "ir/support/cat.h"
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using Words = std::vector<std::string>;

Words joined(Words words, const Words &more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class PayloadFiles : public Linkage {
protected:
  // Is `file` of the kind that is to be tested?
  static bool has(const std::string &file, const std::string &mark) {
    return run({"readelf", "-aW", file}).out.contains(mark);
  }
  void writePatch(const std::string &payloads, const std::string &fix = "$p:fix") {
    folder_.write("fix.lp", "target program\n" + payloads + "jmp handle " + fix + "\n");
  }
  void expectApplied(const std::string &answer) {
    RunResult done = apply();
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(), answer);
  }
  void expectReverted(const std::string &answer) {
    RunResult done = revert();
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(), answer);
  }
  // The same, with threads, mappings and descriptors as they were.
  void expectWorks(int result) {
    ASSERT_EQ(ask(), kLinkageBefore);
    ProcessState before = stateOf(child_->pid());
    ASSERT_NO_FATAL_FAILURE(expectApplied(cat("handle ", result, " limit 100 greeting hello")));
    expectReverted(kLinkageBefore);
    EXPECT_EQ(stateOf(child_->pid()), before);
  }
};

// --- C -----------------------------------------------------------------------------------------------------------

struct Kind {
  std::string name;
  const char *source;
  Words flags;        // besides -O2 and -fPIC
  std::string object; // the mark in payload.o and in payload.so: "-" for none, "" where the kind is not of that file
  std::string shared;
  int result; // of fix(2)
  Words program = {"-fPIE", "-pie"};
};
void PrintTo(const Kind &kind, std::ostream *out) { *out << kind.name; }

// Functions and variables of both sides, by address and by call.
constexpr const char *kBothSides = R"(
  #include <string.h>
  extern int limit, hidden;
  static int one(int x) { return x + 1; }
  static int two(int x) { return x + 2; }
  int (*volatile steps[])(int) = {one, two};
  const char *volatile words[] = {"one", "three", "fifteen"};
  static int calls;
  __attribute__((noinline)) int exported(int x) { calls++; return steps[1](x); }
  int fix(int x) { return exported(x) * 10000 + (int)strlen(words[x]) * 1000 + limit + hidden + calls; })";

constexpr const char *kAligned = R"(
  __attribute__((aligned(65536))) char block[10] = {1};
  __attribute__((aligned(4096))) char page[10] = {2};
  __attribute__((aligned(64))) char line[10] = {3};
  __attribute__((aligned(4096))) char zero_page[3 * 4096 + 1];
  __attribute__((aligned(64))) char zero_line[10];
  static unsigned long misplaced(void *volatile at, unsigned long alignment) { return (unsigned long)at % alignment; }
  int fix(int x) {
    unsigned long wrong = misplaced(block, 65536) | misplaced(page, 4096) | misplaced(line, 64) |
                          misplaced(zero_page, 4096) | misplaced(zero_line, 64);
    for (unsigned i = 0; i < sizeof zero_page; i++) wrong |= ((volatile char *)zero_page)[i];
    for (unsigned i = 0; i < sizeof zero_line; i++) wrong |= ((volatile char *)zero_line)[i];
    ((volatile char *)zero_page)[sizeof zero_page - 1] = 40;
    return wrong ? -1 : block[0] * 1000 + page[0] * 100 + line[0] * 10 + zero_page[sizeof zero_page - 1] + x;
  })";

// Huge pages: what linkers use at most.
constexpr const char *kAlignedHuge = R"(
  __attribute__((aligned(2 << 20))) char block[10] = {3};
  __attribute__((aligned(2 << 20))) char zero[(2 << 20) + 1];
  int fix(int x) {
    unsigned long wrong = ((unsigned long)(void *volatile)block | (unsigned long)(void *volatile)zero) & ((2 << 20) - 1);
    ((volatile char *)zero)[2 << 20] = 40;
    return wrong ? -1 : block[0] * 100 + zero[2 << 20] + x;
  })";

// 80 pointers: more than one bitmap of RELR has room for.
constexpr const char *kPointers = R"(
  #include <string.h>
  #define FOUR(i) n + i, n + i + 1, n + i + 2, n + i + 3
  #define SIXTEEN(i) FOUR(i), FOUR(i + 4), FOUR(i + 8), FOUR(i + 12)
  extern const char *greeting;
  static int n[80];
  int *volatile table[] = {SIXTEEN(0), SIXTEEN(16), SIXTEEN(32), SIXTEEN(48), SIXTEEN(64)};
  int fix(int x) {
    int sum = x;
    for (int i = 0; i < 80; i++) n[i] = i;
    for (int i = 0; i < 80; i++) sum += *table[i];
    return sum + (int)strlen(greeting) * 10000;
  })";

constexpr const char *kWeak = R"(
  extern int nobody __attribute__((weak)), limit __attribute__((weak));
  extern const char *greeting __attribute__((weak));
  int never(int) __attribute__((weak));
  int handle(int) __attribute__((weak));
  unsigned long strlen(const char *) __attribute__((weak));
  int fix(int x) {
    return (&nobody ? nobody : x) + (never ? never(x) : 20) + (&limit ? limit : 3000) + (handle ? 4000 : 0) +
           (strlen ? (int)strlen(greeting) : 9) * 10000;
  })";

// The program has a `limit` and a `handle` as well.
constexpr const char *kHidden = R"(
  __attribute__((visibility(VISIBILITY))) int limit = 31;
  __attribute__((visibility(VISIBILITY), noinline)) int handle(int x) { return x * 1000; }
  int *volatile where = &limit;
  int (*volatile which)(int) = handle;
  int fix(int x) { return handle(x) + which(x) + limit + *where; })";

// The first bytes of the function that replaces, and of the one that is replaced: endbr64, and there a jump behind it.
constexpr const char *kEndbr = R"(
  int handle(int);
  int fix(int x) {
    volatile unsigned char *volatile own = (volatile unsigned char *)fix;
    volatile unsigned char *volatile replaced = (volatile unsigned char *)handle;
    const unsigned endbr = 0xfa1e0ff3;
    return (*(volatile unsigned *)own == endbr ? 1000 : 0) + (*(volatile unsigned *)replaced == endbr ? 200 : 0) +
           (replaced[4] == 0xe9 ? 30 : 0) + x;
  })";

class PayloadKind : public PayloadFiles, public testing::WithParamInterface<Kind> {};

TEST_P(PayloadKind, AppliedCalledReverted) {
  const Kind &kind = GetParam();
  folder_.write("program.c", kLinkageProgram);
  folder_.write("payload.c", kind.source);
  ASSERT_TRUE(compile(joined({"gcc", "-O2", "-o", "program", "program.c"}, kind.program))) << why_;
  start({"./program"});
  struct Form {
    const char *file, *option;
    const std::string &mark;
  };
  for (const Form &form : {Form{"payload.o", "-c", kind.object}, Form{"payload.so", "-shared", kind.shared}}) {
    if (form.mark.empty()) continue;
    SCOPED_TRACE(form.file);
    bool made = compile(joined({"gcc", "-O2", "-fPIC", form.option, "-o", form.file, "payload.c"}, kind.flags));
    if (kind.name == "RelativeRelocationsPacked" && !(made && has(form.file, form.mark)))
      GTEST_SKIP() << "the link editor knows no packed relative relocations";
    ASSERT_TRUE(made) << why_;
    if (form.mark != "-") {
      ASSERT_TRUE(has(form.file, form.mark)) << form.mark;
    }
    writePatch(cat("dl p ", form.file, "\n"));
    ASSERT_NO_FATAL_FAILURE(expectWorks(kind.result));
  }
}

constexpr int kOfBothSides = 47108;
INSTANTIATE_TEST_SUITE_P(
    Live, PayloadKind,
    testing::Values(
        Kind{"BoundAtStart", kBothSides, {"-Wl,-z,now,-z,relro"}, "", "BIND_NOW", kOfBothSides},
        Kind{"BoundLazily", kBothSides, {"-Wl,-z,lazy,-z,norelro"}, "", "R_X86_64_JUMP_SLO", kOfBothSides},
        Kind{"WithoutPlt", kBothSides, {"-fno-plt"}, "GOTPCRELX", "R_X86_64_GLOB_DAT", kOfBothSides},
        Kind{"LargeModel", kBothSides, {"-mcmodel=large"}, "R_X86_64_GOTPC64", "-", kOfBothSides},
        Kind{"LargeModelWithoutPic", kBothSides, {"-fno-pic", "-mcmodel=large"}, "R_X86_64_64", "", kOfBothSides},
        Kind{"MediumModel", kBothSides, {"-mcmodel=medium"}, "-", "-", kOfBothSides},
        Kind{"SectionsOfTheirOwn",
             kBothSides,
             {"-ffunction-sections", "-fdata-sections"},
             ".text.fix",
             "-",
             kOfBothSides},
        Kind{"Aligned", kAligned, {}, " 65536", "0x10000", 1272},
        Kind{"AlignedHuge", kAlignedHuge, {}, " 2097152", "0x200000", 342},
        Kind{"RelativeRelocationsPacked", kPointers, {"-Wl,-z,pack-relative-relocs"}, "", ".relr.dyn", 53162},
        Kind{"WeakUndefined", kWeak, {}, "WEAK   DEFAULT  UND nobody", "WEAK   DEFAULT  UND nobody", 54122},
        Kind{"Hidden", kHidden, {"-DVISIBILITY=\"hidden\""}, "HIDDEN", "-", 4062},
        Kind{"Protected", kHidden, {"-DVISIBILITY=\"protected\""}, "PROTECTED", "PROTECTED", 4062},
        Kind{"Endbr", kEndbr, {"-fcf-protection=full"}, "IBT", "-", 1232, {"-fPIE", "-pie", "-fcf-protection=full"}}),
    [](const auto &test) { return test.param.name; });

// --- versions of symbols -----------------------------------------------------------------------------------------

TEST_F(PayloadFiles, VersionsOfALibrary) {
  folder_.write("value.c", "int value_1(void) { return 1; } int value_2(void) { return 2; }\n"
                           "__asm__(\".symver value_1, value@V1; .symver value_2, value@@V2\");\n");
  folder_.write("value.map", "V1 { global: value; local: *; }; V2 { global: value; } V1;\n");
  folder_.write("program.c", kLinkageProgram);
  folder_.write("payload.c", "int old(void), value(void); __asm__(\".symver old, value@V1\");\n"
                             "int fix(int x) { return old() * 1000 + value() * 100 + x; }\n");
  folder_.write("payload.map", "PATCH_1 { global: fix; local: *; };\n");
  ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-Wl,--version-script=value.map,-soname,libvalue.so", "-o",
                       "libvalue.so", "value.c"}))
      << why_;
  ASSERT_TRUE(
      compile({"gcc", "-O2", "-o", "program", "program.c", "-Wl,--no-as-needed,-rpath,$ORIGIN", "./libvalue.so"}))
      << why_;
  start({"./program"});
  Words shared = {"gcc", "-O2", "-fPIC", "-shared", "-o", "payload.so", "payload.c", "./libvalue.so"};
  ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-c", "-o", "payload.o", "payload.c"})) << why_;
  ASSERT_TRUE(compile(shared)) << why_;
  ASSERT_TRUE(has("payload.so", "value@V1"));
  for (const char *file : {"payload.o", "payload.so"}) {
    SCOPED_TRACE(file);
    writePatch(cat("dl p ", file, "\n"));
    ASSERT_NO_FATAL_FAILURE(expectWorks(1202));
  }
  ASSERT_TRUE(compile(joined(shared, {"-Wl,--version-script=payload.map"}))) << why_; // its own names have versions too
  ASSERT_TRUE(has("payload.so", "fix@@PATCH_1"));
  ASSERT_NO_FATAL_FAILURE(expectWorks(1202));
}

// --- C++ ---------------------------------------------------------------------------------------------------------

constexpr const char *kTally = R"(
  int first();
  inline int &tally() { static int count = first(); return count; }
  inline int total = 5;
)";
constexpr const char *kTallyProgram = R"(
  #include <cstdio>
  #include <cstring>
  #include "tally.h"
  static int starts;
  int first() { return 100 + 5000 * starts++; }
  extern "C" [[gnu::noinline]] int handle(int x) { total++; return x + tally()++; }
  int (*volatile callee)(int) = handle;
  int main() {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) {
      int result = callee((int)strlen(line));
      printf("handle %d total %d\n", result, total);
    }
  })";
constexpr const char *kTallyPayload = R"(
  #include "tally.h"
  extern "C" int fix(int x) { total += 10; return x + (tally() += 1000); })";

// The static variable of an inline function and its guard (STB_GNU_UNIQUE): one in the process, whoever comes first.
class UniqueVariables : public PayloadFiles, public testing::WithParamInterface<Words> {};

TEST_P(UniqueVariables, AreThoseOfTheProcess) {
  folder_.write("tally.h", kTally);
  folder_.write("program.cpp", kTallyProgram);
  folder_.write("payload.cpp", kTallyPayload);
  ASSERT_TRUE(compile(joined({"g++", "-O2", "-o", "program", "program.cpp"}, GetParam()))) << why_;
  for (const char *form : {"-c", "-shared"}) {
    SCOPED_TRACE(form);
    ASSERT_TRUE(compile({"g++", "-O2", "-fPIC", form, "-o", "payload.o", "payload.cpp"})) << why_;
    ASSERT_TRUE(has("payload.o", "UNIQUE"));
    writePatch("dl p payload.o\n");
    start({"./program"});
    EXPECT_EQ(ask(), "handle 102 total 6");
    ASSERT_NO_FATAL_FAILURE(expectApplied("handle 1103 total 16"));
    expectReverted("handle 1103 total 17");
    start({"./program"}); // the payload starts the variable
    ASSERT_NO_FATAL_FAILURE(expectApplied("handle 1102 total 15"));
    expectReverted("handle 1102 total 16");
  }
}

INSTANTIATE_TEST_SUITE_P(Live, UniqueVariables,
                         testing::Values(Words{"-fPIE", "-pie"}, Words{"-fPIE", "-pie", "-rdynamic"},
                                         Words{"-fno-pie", "-no-pie"}),
                         [](const auto &test) {
                           return test.param[1] == "-no-pie" ? "NoPie"
                                  : test.param.size() == 3   ? "Exported"
                                                             : "NotExported";
                         });

// Groups (COMDAT) that two objects of one patch both have, with a variable that the program has not.
TEST_F(PayloadFiles, GroupsOfTwoObjects) {
  folder_.write("program.c", kLinkageProgram);
  folder_.write("common.h", "inline int next() { static int last; return ++last; }\n"
                            "template <class T> [[gnu::noinline]] T scaled(T value) { return value * 1000; }\n"
                            "extern \"C\" { int second(int x); int fix(int x); }\n");
  folder_.write("a.cpp", "#include \"common.h\"\n"
                         "int fix(int x) { int first = next(); return scaled(first) + second(x); }\n");
  folder_.write("b.cpp", "#include \"common.h\"\nint second(int x) { return next() * 100 + scaled(x * 10); }\n");
  ASSERT_TRUE(compile({"gcc", "-O2", "-o", "program", "program.c"})) << why_;
  for (const char *name : {"a", "b"}) {
    ASSERT_TRUE(compile({"g++", "-O2", "-fPIC", "-c", "-o", cat(name, ".o"), cat(name, ".cpp")})) << why_;
    ASSERT_TRUE(has(cat(name, ".o"), "COMDAT"));
  }
  start({"./program"});
  for (const char *payloads : {"dl a a.o\ndl b b.o\n", "dl b b.o\ndl a a.o\n"}) {
    SCOPED_TRACE(payloads);
    writePatch(payloads, "$a:fix");
    ASSERT_NO_FATAL_FAILURE(expectWorks(21200));
  }
}

} // namespace
} // namespace lpc::test
