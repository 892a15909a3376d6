// Linked code really works: payloads as people build them, loaded into the test's own memory and called.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>

#include "link_support.h"

namespace lpc::backend {
namespace {

using test::compile;
using test::Loaded;

// Data of all kinds, references of all kinds: own and foreign, functions and variables, weak and strong.
constexpr const char *kSource = R"(
  #include <stdint.h>
  extern int host_add(int, int);
  extern int host_counter;
  extern int nobody_defines_this(void) __attribute__((weak));
  extern int nobody_defines_that __attribute__((weak));

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

  int compute(int x) { return table[0](x) + *pointer + host_add(x, exported_value) + foreign(1, 2); }
  int count(void) { return ++host_counter; }
  const char *word(unsigned i) { return words[i]; }
  int sumOfZeroed(void) { int sum = 0; for (int i = 0; i < 3000; i++) sum += zeroed[i]++; return sum; }
  int absent(void) { return (nobody_defines_this ? 1 : 0) + (&nobody_defines_that ? 2 : 0); }
  int **secondConstant(void) { return (int **)&constant_pointers[1]; }
)";

struct Flags {
  const char *name;
  std::vector<std::string> flags;
};

void PrintTo(const Flags &flags, std::ostream *out) { *out << flags.name; }

class LinkedCode : public testing::TestWithParam<Flags> {};

int hostCounter = 0;
int hostAdd(int a, int b) { return a + b; }
const std::map<std::string, uint64_t> kHost{{"host_add", reinterpret_cast<uint64_t>(&hostAdd)},
                                            {"host_counter", reinterpret_cast<uint64_t>(&hostCounter)}};

void expectProtections(const PayloadImage &image, const Loaded &payload, bool relro) {
  uint64_t end = 0;
  for (const PayloadSegment &segment : image.segments) {
    EXPECT_FALSE((segment.protection & PROT_WRITE) != 0 && (segment.protection & PROT_EXEC) != 0);
    EXPECT_EQ(segment.offset % 4096, 0U);
    EXPECT_EQ(segment.size % 4096, 0U);
    EXPECT_GE(segment.offset, end);
    EXPECT_GT(segment.size, 0U);
    end = segment.offset + segment.size;
  }
  EXPECT_EQ(end, image.size);
  EXPECT_EQ(payload.protectionOf("compute"), PROT_READ | PROT_EXEC);
  EXPECT_EQ(payload.protectionOf("exported_value"), PROT_READ | PROT_WRITE);
  EXPECT_EQ(payload.protectionOf("constant_pointers"), relro ? PROT_READ : PROT_READ | PROT_WRITE);
}

TEST_P(LinkedCode, Works) {
  auto image = test::read(compile(kSource, GetParam().flags));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  Loaded payload(*image, kHost);
  ASSERT_TRUE(payload.good());
  expectProtections(*image, payload, std::string_view(GetParam().name) != "NoRelro");
  EXPECT_EQ(payload.at<int(int)>("compute")(10), 30 + 7 + 52 + 3);
  hostCounter = 5;
  EXPECT_EQ(payload.at<int()>("count")(), 6);
  EXPECT_EQ(hostCounter, 6);
  EXPECT_STREQ(payload.at<const char *(unsigned)>("word")(2), "two");
  EXPECT_EQ(payload.at<int()>("sumOfZeroed")(), 0);
  EXPECT_EQ(payload.at<int()>("sumOfZeroed")(), 3000);
  EXPECT_EQ(payload.at<int()>("absent")(), 0);
  EXPECT_EQ(**payload.at<int **()>("secondConstant")(), 7);
  EXPECT_STREQ(*payload.at<const char *>("message"), "patched");
  *payload.at<int>("exported_value") = 43;
  EXPECT_EQ(payload.at<int(int)>("compute")(10), 30 + 7 + 53 + 3);
}

INSTANTIATE_TEST_SUITE_P(
    AsPeopleBuild, LinkedCode,
    testing::Values(Flags{"Default", {}}, Flags{"O0", {"-O0"}}, Flags{"O3", {"-O3"}}, Flags{"Debug", {"-g"}},
                    Flags{"Now", {"-Wl,-z,now"}}, Flags{"Lazy", {"-Wl,-z,lazy"}}, Flags{"NoPlt", {"-fno-plt"}},
                    Flags{"NoStandardLibrary", {"-nostdlib"}}, Flags{"NoStartFiles", {"-nostartfiles"}},
                    Flags{"Relr", {"-Wl,-z,pack-relative-relocs"}}, Flags{"SeparateCode", {"-Wl,-z,separate-code"}},
                    Flags{"NoSeparateCode", {"-Wl,-z,noseparate-code"}}, Flags{"Stripped", {"-s"}},
                    Flags{"StrippedNow", {"-s", "-Wl,-z,now"}}, Flags{"SysvHash", {"-Wl,--hash-style=sysv"}},
                    Flags{"GnuHash", {"-Wl,--hash-style=gnu"}}, Flags{"Symbolic", {"-Wl,-Bsymbolic"}},
                    Flags{"NoRelro", {"-Wl,-z,norelro"}}, Flags{"HugePages", {"-Wl,-z,max-page-size=0x200000"}},
                    Flags{"Ibt", {"-fcf-protection=full"}}, Flags{"NoIbt", {"-fcf-protection=none"}},
                    Flags{"LargeModel", {"-mcmodel=large"}},
                    Flags{"Sections", {"-ffunction-sections", "-Wl,--gc-sections"}},
                    Flags{"LinkedAtAnAddress", {"-Wl,-Ttext-segment=0x10000000"}}, Flags{"Lto", {"-flto"}},
                    Flags{"Gold", {"-fuse-ld=gold"}}),
    [](const auto &flags) { return flags.param.name; });

// Without -fPIC the text itself is relocated, here with 64-bit addresses.
TEST(Link, TextRelocations) {
  auto image = test::read(compile("extern int host_add(int, int); int f(int x) { return host_add(x, 1); }",
                                  {"-fno-pic", "-mcmodel=large", "-Wl,-z,notext", "-nostdlib"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  Loaded payload(*image, kHost);
  EXPECT_EQ(payload.at<int(int)>("f")(4), 5);
}

TEST(Link, CallsTheCLibrary) {
  auto image = test::read(compile(R"(
    #include <stdlib.h>
    #include <string.h>
    size_t twice(const char *s) { char *copy = malloc(2 * strlen(s) + 1); strcpy(copy, s); strcat(copy, s);
      size_t n = strlen(copy); free(copy); return n; })"));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  Loaded payload(*image);
  EXPECT_EQ(payload.at<size_t(const char *)>("twice")("abc"), 6U);
}

// --- symbols ------------------------------------------------------------------------------------------------

TEST(Link, FindsLocalsAndRefusesToChoose) {
  auto image = test::read(compile(R"(
    int shared_name = 1;
    static __attribute__((used)) int only_local(void) { return 2; }
    int global(void) { return only_local(); })"));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  ASSERT_NE(image->find("only_local"), nullptr);
  EXPECT_FALSE(image->find("only_local")->exported);
  EXPECT_TRUE(image->find("only_local")->isFunction);
  EXPECT_TRUE(image->find("global")->exported);
  EXPECT_GT(image->find("global")->size, 0U);
  EXPECT_FALSE(image->find("shared_name")->isFunction);
  EXPECT_EQ(image->find("shared_name")->size, sizeof(int));
  EXPECT_EQ(image->find("no_such_name"), nullptr);
  EXPECT_EQ(image->find(""), nullptr);
}

TEST(Link, LocalsOfOneNameAreAmbiguous) {
  // `ld -r` would keep two static functions of one name apart; here the name of a local is made that of another.
  Bytes file = compile("static __attribute__((used)) int localA = 1, localB = 2; int localC = 3;");
  auto rename = [&](const std::string &from, const std::string &to) {
    auto found = std::ranges::search(file, from + '\0');
    ASSERT_FALSE(found.empty());
    std::ranges::copy(to, found.begin());
  };
  EXPECT_TRUE(test::read(file)->find("localB"));
  rename("localB", "localA");
  EXPECT_EQ(test::read(file)->find("localA"), nullptr);
  EXPECT_TRUE(test::read(file)->find("localC")->exported);
  rename("localA", "localC"); // an exported symbol is found before locals
  EXPECT_TRUE(test::read(file)->find("localC")->exported);
}

TEST(Link, OnlyExportedNamesAreLeftWhenStripped) {
  auto image = test::read(compile("static __attribute__((used)) int hidden; int shown(void) { return 1; }", {"-s"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  EXPECT_EQ(image->find("hidden"), nullptr);
  EXPECT_NE(image->find("shown"), nullptr);
}

TEST(Link, SaysWhatIsUndefined) {
  auto image = test::read(compile("#include <string.h>\n"
                                  "extern int maybe(void) __attribute__((weak)); extern int unused(void);\n"
                                  "unsigned long f(const char *s) { return (maybe ? 1 : 0) + strlen(s); }"));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  auto find = [&](const char *name) {
    auto found = std::ranges::find(image->undefined, name, &UndefinedSymbol::name);
    return found == image->undefined.end() ? nullptr : &*found;
  };
  ASSERT_NE(find("strlen"), nullptr);
  EXPECT_FALSE(find("strlen")->weak);
  EXPECT_EQ(find("strlen")->version, "GLIBC_2.2.5");
  EXPECT_EQ(find("strlen")->library, "libc.so.6");
  ASSERT_NE(find("maybe"), nullptr);
  EXPECT_TRUE(find("maybe")->weak);
  EXPECT_EQ(find("maybe")->version, "");
  EXPECT_EQ(find("unused"), nullptr);
  EXPECT_EQ(image->needed, std::vector<std::string>{"libc.so.6"});
}

TEST(Link, OwnDefinitionsWin) {
  auto image =
      test::read(compile("int host_add(int a, int b) { return a - b; } int f(void) { return host_add(5, 3); }"));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  for (const UndefinedSymbol &symbol : image->undefined)
    EXPECT_NE(symbol.name, "host_add");
  Loaded payload(*image, kHost);
  EXPECT_EQ(payload.at<int()>("f")(), 2);
}

// --- placing ------------------------------------------------------------------------------------------------

TEST(Link, PlacingIsPure) {
  auto image = test::read(compile(kSource));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  std::vector<std::string> asked;
  auto resolve = [&](const UndefinedSymbol &symbol) -> Result<RemoteAddress> {
    asked.push_back(symbol.name);
    return RemoteAddress{0x1234'5678};
  };
  Bytes first = image->place({0x5555'0000'0000}, resolve).value();
  std::vector<std::string> wanted;
  for (const UndefinedSymbol &symbol : image->undefined)
    wanted.push_back(symbol.name);
  EXPECT_EQ(asked, wanted);
  Bytes elsewhere = image->place({0x7f00'0000'0000}, resolve).value();
  EXPECT_NE(first, elsewhere);
  EXPECT_EQ(image->place({0x5555'0000'0000}, resolve).value(), first);
}

TEST(Link, WhatNobodyDefinesIsTheFailure) {
  auto image = test::read(compile(kSource));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  auto placed = image->place({0x5555'0000'0000}, [](const UndefinedSymbol &symbol) -> Result<RemoteAddress> {
    if (symbol.weak) return RemoteAddress{};
    return fail(DiagnosticId::UndefinedPayloadSymbol, "no " + symbol.name);
  });
  ASSERT_FALSE(placed.has_value());
  EXPECT_EQ(placed.error().id, DiagnosticId::UndefinedPayloadSymbol);
}

TEST(Link, AlignmentIsOfTheBase) {
  for (uint64_t alignment : {uint64_t{0x10000}, uint64_t{0x200000}}) {
    std::string source = "char aligned[64] __attribute__((aligned(" + std::to_string(alignment) +
                         "))) = {1}; char *where(void) { return aligned; }";
    auto image = test::read(compile(source, {"-Wl,-z,max-page-size=" + std::to_string(alignment)}));
    ASSERT_TRUE(image.has_value()) << image.error().message;
    EXPECT_EQ(image->alignment, alignment);
    Loaded payload(*image);
    char *aligned = payload.at<char *()>("where")();
    EXPECT_EQ(reinterpret_cast<uint64_t>(aligned) % alignment, 0U);
    EXPECT_EQ(*aligned, 1);
  }
}

TEST(Link, ZeroedMemoryCostsNothing) {
  auto image = test::read(compile("static char big[512u << 20]; char *where(void) { return big; }"));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  EXPECT_GT(image->size, uint64_t{512} << 20);
  Bytes content =
      image->place({0x5555'0000'0000}, [](const UndefinedSymbol &) -> Result<RemoteAddress> { return RemoteAddress{}; })
          .value();
  EXPECT_LT(content.size(), 1U << 20);
}

TEST(Link, UnwindTable) {
  auto image = test::read(compile("int f(void) { return 1; }"));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  ASSERT_TRUE(image->unwindTable.has_value());
  Loaded payload(*image);
  EXPECT_EQ(*reinterpret_cast<uint8_t *>(payload.base() + image->unwindTable->offset), 1); // its version
}

// --- relocations that compilers write only without -fPIC: types changed in the file ----------------------------

constexpr uint32_t k64 = 1, kPc32 = 2, k32 = 10, k32S = 11;
constexpr const char *kOnePointer = "extern char host_data[]; char *pointer[2] = {host_data, 0};";

Result<Bytes> placedWith(uint32_t type, uint64_t base, uint64_t value) {
  Bytes file = compile(kOnePointer, {"-nostdlib"});
  EXPECT_TRUE(test::changeRelocation(file, k64, type));
  auto image = test::read(file);
  if (!image) return std::unexpected(std::move(image.error()));
  auto content =
      image->place({base}, [&](const UndefinedSymbol &) -> Result<RemoteAddress> { return RemoteAddress{value}; });
  if (!content) return content;
  uint64_t at = image->find("pointer")->offset;
  return Bytes(content->begin() + static_cast<ptrdiff_t>(at), content->begin() + static_cast<ptrdiff_t>(at) + 8);
}

TEST(Link, NarrowRelocationsInRange) {
  EXPECT_EQ(toHex(placedWith(k64, 0x10000, 0x1122'3344'5566'7788).value()), "8877665544332211");
  EXPECT_EQ(toHex(placedWith(k32, 0x10000, 0xffff'fff0).value()), "f0ffffff00000000");
  EXPECT_EQ(toHex(placedWith(k32S, 0x10000, 0x7fff'fff0).value()), "f0ffff7f00000000");
  EXPECT_EQ(toHex(placedWith(k32S, 0x10000, 0xffff'ffff'8000'0000).value()), "0000008000000000");
  EXPECT_EQ(placedWith(kPc32, 0x5555'0000'0000, 0x5555'0000'0000).value().size(), 8U);
}

TEST(Link, NarrowRelocationsOutOfRange) {
  struct Row {
    uint32_t type;
    uint64_t base, value;
  };
  for (const Row &row :
       {Row{k32, 0x10000, 0x1'0000'0000}, Row{k32, 0x10000, UINT64_MAX}, Row{k32S, 0x10000, 0x8000'0000},
        Row{k32S, 0x10000, 0xffff'ffff'7fff'ffff}, Row{kPc32, 0x5555'0000'0000, 0x7f00'0000'0000},
        Row{kPc32, 0x5555'0000'0000, 0x5555'9000'0000}, Row{kPc32, 0x5555'9000'0000, 0x5555'0000'0000}}) {
    auto placed = placedWith(row.type, row.base, row.value);
    ASSERT_FALSE(placed.has_value()) << row.type;
    EXPECT_EQ(placed.error().id, DiagnosticId::RelocationOverflow);
    EXPECT_NE(placed.error().message.find("cannot reach `host_data`"), std::string::npos) << placed.error().message;
    EXPECT_EQ(placed.error().help, "compile the payload with -fPIC");
  }
}

} // namespace
} // namespace lpc::backend
