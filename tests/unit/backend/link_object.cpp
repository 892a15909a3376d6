// Relocatable objects really work: as gcc and clang write them in all code models, loaded and called.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "link_support.h"

namespace lpc::backend {
namespace {

using test::compileObject;
using test::Loaded;

// Data of all kinds, references of all kinds: own and foreign, functions and variables, weak and strong, jump tables.
constexpr const char *kSource = R"(
  #include <stdint.h>
  extern int host_add(int, int);
  extern int host_counter;
  extern int nobody_defines_this(void) __attribute__((weak));
  extern int nobody_defines_that __attribute__((weak));

  int tentative;
  int exported_value = 42;
  static int local_value = 7;
  static int zeroed[3000];
  int *pointer = &local_value;
  int *const constant_pointers[] = {&exported_value, &local_value, zeroed};
  static const char *const words[] = {"zero", "one", "two"};
  const char *message = "patched";

  static __attribute__((noinline)) int helper(int x) { return x * 3; }
  int (*const table[])(int) = {helper};
  int (*foreign)(int, int) = host_add;
  __attribute__((noinline)) int visible(int x) { return helper(x) + 1; }
  __attribute__((visibility("hidden"), noinline)) int hidden(int x) { return visible(x) + 1; }

  int compute(int x) { return table[0](x) + *pointer + host_add(x, exported_value) + foreign(1, 2); }
  int count(void) { return ++host_counter; }
  int *counter(void) { return &host_counter; }
  const char *word(unsigned i) { return words[i]; }
  int sumOfZeroed(void) { int sum = 0; for (int i = 0; i < 3000; i++) sum += zeroed[i]++; return sum; }
  int absent(void) { return (nobody_defines_this ? 1 : 0) + (&nobody_defines_that ? 2 : 0); }
  int **secondConstant(void) { return (int **)&constant_pointers[1]; }
  int chain(int x) { return hidden(x) + tentative++; }
  int choose(int x) {
    switch (x) {
      case 0: return host_add(x, 1); case 1: return visible(9); case 2: return 17; case 3: return local_value;
      case 4: return exported_value; case 5: return helper(8); case 6: return x << 5; default: return -1;
    }
  }
)";

int hostCounter = 0;
int hostAdd(int a, int b) { return a + b; }
const std::map<std::string, uint64_t> kHost{{"host_add", reinterpret_cast<uint64_t>(&hostAdd)},
                                            {"host_counter", reinterpret_cast<uint64_t>(&hostCounter)}};

struct Build {
  const char *name;
  const char *compiler;
  std::vector<std::string> flags;
  Loaded::Where where = Loaded::Where::Anywhere;
};

void PrintTo(const Build &build, std::ostream *out) { *out << build.name; }

class LinkedObject : public testing::TestWithParam<Build> {};

TEST_P(LinkedObject, Works) {
  Bytes file = compileObject(GetParam().compiler, kSource, GetParam().flags);
  if (file.empty()) GTEST_SKIP() << GetParam().compiler << " is not installed";
  auto image = test::read(file);
  ASSERT_TRUE(image.has_value()) << image.error().message;
  Loaded payload(*image, kHost, GetParam().where);
  ASSERT_TRUE(payload.good());
  EXPECT_EQ(payload.protectionOf("compute"), PROT_READ | PROT_EXEC);
  EXPECT_EQ(payload.protectionOf("exported_value"), PROT_READ | PROT_WRITE);
  EXPECT_EQ(payload.protectionOf("constant_pointers"), PROT_READ);
  EXPECT_EQ(payload.at<int(int)>("compute")(10), 30 + 7 + 52 + 3);
  hostCounter = 5;
  EXPECT_EQ(payload.at<int()>("count")(), 6);
  EXPECT_EQ(payload.at<int *()>("counter")(), &hostCounter);
  EXPECT_STREQ(payload.at<const char *(unsigned)>("word")(2), "two");
  EXPECT_EQ(payload.at<int()>("sumOfZeroed")(), 0);
  EXPECT_EQ(payload.at<int()>("sumOfZeroed")(), 3000);
  EXPECT_EQ(payload.at<int()>("absent")(), 0);
  EXPECT_EQ(**payload.at<int **()>("secondConstant")(), 7);
  EXPECT_STREQ(*payload.at<const char *>("message"), "patched");
  EXPECT_EQ(payload.at<int(int)>("chain")(5), 17);
  EXPECT_EQ(payload.at<int(int)>("chain")(5), 18);
  EXPECT_EQ(*payload.at<int>("tentative"), 2);
  const int chosen[] = {1, 28, 17, 7, 42, 24, 192, -1};
  for (int i = 0; i < 8; i++)
    EXPECT_EQ(payload.at<int(int)>("choose")(i), chosen[i]);
}

constexpr auto kNear = Loaded::Where::Near;
INSTANTIATE_TEST_SUITE_P(
    AsPeopleBuild, LinkedObject,
    testing::Values(
        Build{"Pic", "gcc", {"-O2", "-fPIC"}}, Build{"PicO0", "gcc", {"-O0", "-fPIC"}},
        Build{"PicO3Debug", "gcc", {"-O3", "-g", "-fPIC"}}, Build{"PicNoPlt", "gcc", {"-O2", "-fPIC", "-fno-plt"}},
        Build{"PicIbt", "gcc", {"-O2", "-fPIC", "-fcf-protection=full"}},
        Build{"PicSections", "gcc", {"-O2", "-fPIC", "-ffunction-sections", "-fdata-sections"}},
        Build{"PicCommon", "gcc", {"-O2", "-fPIC", "-fcommon"}}, Build{"PicSmallData", "gcc", {"-Os", "-fPIC"}},
        Build{"PicLarge", "gcc", {"-O2", "-fPIC", "-mcmodel=large"}},
        Build{"PicMedium", "gcc", {"-O2", "-fPIC", "-mcmodel=medium", "-mlarge-data-threshold=64"}},
        Build{"PicFatLto", "gcc", {"-O2", "-fPIC", "-flto", "-ffat-lto-objects"}},
        Build{"PicOldGot", "gcc", {"-O2", "-fPIC", "-Wa,-mrelax-relocations=no"}},
        Build{"Pie", "gcc", {"-O2", "-fPIE"}, kNear}, Build{"Default", "gcc", {"-O2"}, kNear},
        Build{"NoPic", "gcc", {"-O2", "-fno-pic"}, kNear}, Build{"NoPicO0", "gcc", {"-O0", "-fno-pic"}, kNear},
        Build{"NoPicLarge", "gcc", {"-O2", "-fno-pic", "-mcmodel=large"}},
        Build{"NoPicNoPlt", "gcc", {"-O2", "-fno-pic", "-fno-plt"}, kNear},
        Build{"ClangPic", "clang-19", {"-O2", "-fPIC"}}, Build{"ClangPicO0", "clang-19", {"-O0", "-fPIC"}},
        Build{"ClangLarge", "clang-19", {"-O2", "-fPIC", "-mcmodel=large"}},
        Build{"ClangAddrsig", "clang-19", {"-O2", "-fPIC", "-faddrsig", "-fno-plt"}},
        Build{"ClangNoPic", "clang-19", {"-O2", "-fno-pic"}, kNear}),
    [](const auto &build) { return build.param.name; });

// Calls of code without -fPIC reach functions that are more than 2 GiB away, and so do addresses that `lea` takes.
TEST(LinkObject, CallsReachEverything) {
  const char *source = R"(
    extern int host_add(int, int);
    extern int host_counter;
    int f(int x) { return host_add(x, 1); }
    __attribute__((noinline)) int g(int x) { return host_add(x, 2) * 2; }
    int (*address(void))(int, int) { return host_add; }
    char *inside(void) { return (char *)&host_counter + 2; })";
  auto image = test::read(compileObject("gcc", source, {"-O2", "-fPIE", "-Wa,-mrelax-relocations=no"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  Loaded payload(*image, kHost); // this program is below 2 GiB, and the payload is not
  ASSERT_TRUE(payload.good());
  EXPECT_GT(payload.base(), uint64_t{1} << 33);
  EXPECT_EQ(payload.at<int(int)>("f")(4), 5);
  EXPECT_EQ(payload.at<int(int)>("g")(4), 12);
  EXPECT_EQ(payload.at<int (*())(int, int)>("address")(), &hostAdd);
  EXPECT_EQ(payload.at<char *()>("inside")(), reinterpret_cast<char *>(&hostCounter) + 2);
}

TEST(LinkObject, DirectAccessesReachWhatIsNear) {
  const char *source = "extern int host_counter; int f(void) { return ++host_counter; }";
  auto image = test::read(compileObject("gcc", source, {"-O2", "-fPIE"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  Loaded near(*image, kHost, Loaded::Where::Near);
  hostCounter = 1;
  EXPECT_EQ(near.at<int()>("f")(), 2);
  auto far = image->place({0x5555'0000'0000}, [](const UndefinedSymbol &) -> Result<RemoteAddress> {
    return RemoteAddress{reinterpret_cast<uint64_t>(&hostCounter)};
  });
  ASSERT_FALSE(far.has_value());
  EXPECT_EQ(far.error().id, DiagnosticId::RelocationOverflow);
  EXPECT_NE(far.error().message.find("R_X86_64_PC32"), std::string::npos);
  EXPECT_EQ(far.error().help, "compile the payload with -fPIC");
}

TEST(LinkObject, AbsoluteAddressesOfThirtyTwoBits) {
  auto image = test::read(compileObject("gcc", "int own[4] = {1}; int *f(void) { return own; }", {"-O2", "-fno-pic"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  auto none = [](const UndefinedSymbol &) -> Result<RemoteAddress> { return RemoteAddress{}; };
  EXPECT_TRUE(image->place({0x1000'0000}, none).has_value());
  auto far = image->place({0x5555'0000'0000}, none);
  ASSERT_FALSE(far.has_value());
  EXPECT_EQ(far.error().id, DiagnosticId::RelocationOverflow);
}

TEST(LinkObject, Symbols) {
  auto image = test::read(compileObject("gcc",
                                        "static __attribute__((used)) int onlyLocal(void) { return 2; }\n"
                                        "__attribute__((visibility(\"hidden\"))) int hidden = 1;\n"
                                        "__attribute__((weak)) int weak(void) { return 3; }\n"
                                        "extern int unused(void); int global(void) { return onlyLocal() + hidden; }",
                                        {"-O2", "-fPIC"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  ASSERT_NE(image->find("onlyLocal"), nullptr);
  EXPECT_FALSE(image->find("onlyLocal")->exported);
  EXPECT_TRUE(image->find("hidden")->exported); // to other objects of the patch
  EXPECT_TRUE(image->find("weak")->exported);
  EXPECT_TRUE(image->find("global")->exported && image->find("global")->isFunction);
  EXPECT_TRUE(image->undefined.empty());
}

TEST(LinkObject, SameNamesOfStaticFunctions) {
  // As `ld -r` leaves them: two locals of one name.
  auto image = test::read(compileObject("gcc", R"(__asm__(
    ".text\n.file \"one.c\"\n.type same, @function\nsame: ret\n.size same, 1\n"
    ".globl other\n.type other, @function\nother: call same\nret\n.size other, .-other\n"
    ".section .text.more, \"ax\"\n"); static __attribute__((used)) int lonely = 1;)",
                                        {}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  EXPECT_NE(image->find("same"), nullptr);
  EXPECT_NE(image->find("lonely"), nullptr);
}

TEST(LinkObject, Alignment) {
  for (uint64_t alignment : {uint64_t{64}, uint64_t{0x10000}, uint64_t{0x200000}}) {
    std::string text = std::to_string(alignment);
    std::string source = "char aligned[64] __attribute__((aligned(" + text + "))) = {1}; char zero[64] " +
                         "__attribute__((aligned(" + text + "))); char *where(int i) { return i ? zero : aligned; }";
    auto image = test::read(compileObject("gcc", source, {"-O2", "-fPIC"}));
    ASSERT_TRUE(image.has_value()) << image.error().message;
    Loaded payload(*image);
    ASSERT_TRUE(payload.good());
    for (int i : {0, 1}) {
      char *place = payload.at<char *(int)>("where")(i);
      EXPECT_EQ(reinterpret_cast<uint64_t>(place) % alignment, 0U);
      EXPECT_EQ(*place, i == 0);
    }
  }
}

TEST(LinkObject, ZeroedMemoryCostsNothing) {
  auto image =
      test::read(compileObject("gcc", "static char big[512u << 20]; char *where(void) { return big; }", {"-O2"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  EXPECT_GT(image->size, uint64_t{512} << 20);
}

TEST(LinkObject, TablesOfSections) {
  const char *source = R"(
    struct row { int value; };
    static struct row one __attribute__((section("rows"), used)) = {5};
    static struct row two __attribute__((section("rows"), used)) = {6};
    extern struct row __start_rows[], __stop_rows[];
    int sum(void) { int sum = 0; for (struct row *r = __start_rows; r < __stop_rows; r++) sum += r->value; return sum; })";
  auto image = test::read(compileObject("gcc", source, {"-O2", "-fPIC"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  Loaded payload(*image);
  EXPECT_EQ(payload.at<int()>("sum")(), 11);
}

TEST(LinkObject, UnwindIndex) {
  for (const char *model : {"-mcmodel=small", "-mcmodel=large"}) {
    auto image = test::read(
        compileObject("gcc", "int f(void) { return 1; } extern void out(void); int g(void) { out(); return f(); }",
                      {"-O2", "-fPIC", model}));
    ASSERT_TRUE(image.has_value()) << image.error().message;
    ASSERT_TRUE(image->unwindTable.has_value());
    Loaded payload(*image, {{"out", 1}});
    auto *index = reinterpret_cast<uint8_t *>(payload.base() + image->unwindTable->offset);
    EXPECT_EQ(index[0], 1);
    EXPECT_EQ(index[3], 0x3b);
    int32_t words[6];
    std::memcpy(words, index, sizeof words);
    ASSERT_EQ(words[2], 2); // functions
    auto at = [&](const char *name) { return payload.base() + image->find(name)->offset; };
    auto first = std::min(at("f"), at("g"));
    EXPECT_EQ(reinterpret_cast<uint64_t>(index) + static_cast<uint64_t>(int64_t{words[3]}), first);
  }
}

// --- C++ ------------------------------------------------------------------------------------------------------

TEST(LinkObject, CxxClassesAndTemplates) {
  const char *source = R"(
    #include <algorithm>
    #include <memory>
    #include <string>
    #include <vector>
    struct Shape { virtual ~Shape() = default; virtual int area() const = 0; };
    struct Square : Shape { int side; explicit Square(int s) : side(s) {} int area() const override { return side * side; } };
    template <class T> T twice(T value) { return value + value; }
    extern "C" int area(int side) { std::unique_ptr<Shape> shape = std::make_unique<Square>(side); return shape->area(); }
    extern "C" int cast(int side) { Square square(side); Shape *shape = &square; return dynamic_cast<Square *>(shape)->side; }
    extern "C" int sorted(int a, int b) { std::vector<int> v{a, b, 3}; std::sort(v.begin(), v.end()); return v[0]; }
    extern "C" unsigned long length(const char *s) { return twice(std::string(s)).size(); })";
  for (const char *compiler : {"g++", "clang++-19"}) {
    Bytes file = compileObject(compiler, source, {"-O2", "-fPIC"});
    if (file.empty()) continue;
    ASSERT_NE(dlopen("libstdc++.so.6", RTLD_NOW | RTLD_GLOBAL), nullptr); // this program has its own, linked in
    auto image = test::read(file);
    ASSERT_TRUE(image.has_value()) << compiler << ": " << image.error().message;
    Loaded payload(*image);
    ASSERT_TRUE(payload.good());
    EXPECT_EQ(payload.at<int(int)>("area")(5), 25);
    EXPECT_EQ(payload.at<int(int)>("cast")(6), 6);
    EXPECT_EQ(payload.at<int(int, int)>("sorted")(5, 2), 2);
    EXPECT_EQ(payload.at<unsigned long(const char *)>("length")("abc"), 6U);
  }
}

// --- what is refused ------------------------------------------------------------------------------------------

void expectRefused(const Bytes &file, DiagnosticId id, const std::string &message) {
  auto image = test::read(file);
  ASSERT_FALSE(image.has_value()) << message;
  EXPECT_EQ(image.error().id, id);
  EXPECT_EQ(image.error().message, message);
}

TEST(LinkObject, Refused) {
  constexpr auto kUnsupported = DiagnosticId::UnsupportedPayload;
  auto object = [](const std::string &source, const std::vector<std::string> &flags = {"-O2", "-fPIC"}) {
    return compileObject("gcc", source, flags);
  };
  expectRefused(object("__thread int mine = 1; static __thread int other; int f(void) { return mine + other++; }"),
                DiagnosticId::PayloadThreadLocal,
                "`patch.so` defines thread-local variables (`other`, `mine`), which only the process's own dynamic "
                "linker can make");
  expectRefused(object("__asm__(\".section .odd, \\\"awx\\\"\\n.byte 1\\n\");"), kUnsupported,
                "`patch.so` has a section `.odd` that is writable and executable at once");
  expectRefused(object("__asm__(\".section .init, \\\"ax\\\"\\nnop\\n\");"), kUnsupported,
                "`patch.so` has a section `.init`, pieces of functions that run at the start");
  expectRefused(object("__asm__(\".section .note.GNU-stack, \\\"x\\\"\\n\");"), kUnsupported,
                "`patch.so` wants executable stacks");
  expectRefused(object("int f(void) { return 1; }", {"-O2", "-flto", "-fno-fat-lto-objects"}), kUnsupported,
                "`patch.so` has the compiler's intermediate code instead of machine code (-flto)");
  expectRefused(object("char big[1030u << 20];"), kUnsupported, "`patch.so` needs more than 1 GiB of address space");
}

} // namespace
} // namespace lpc::backend
