// Indirect functions that a payload defines: every reference goes to a stub, whose slot gets what the resolver returns.
#include <gtest/gtest.h>

#include <sys/mman.h>

#include "frontend/target/relocatable.h"
#include "link_support.h"

namespace lpc::backend {
namespace {

using test::Loaded;

constexpr const char *kSource = R"(
  static int one(int x) { return x + 1; }
  static int two(int x) { return x + 200; }
  static int (*pick_two(void))(int) { return two; }
  static int (*pick_one(void))(int) { return one; }
  int shown(int) __attribute__((ifunc("pick_two")));
  __attribute__((visibility("hidden"))) int hidden(int) __attribute__((ifunc("pick_two")));
  static int inner(int) __attribute__((ifunc("pick_one")));
  int (*shown_pointer)(int) = shown;
  int (*hidden_pointer)(int) = hidden;
  int (*const inner_pointer)(int) = inner;
  int call_shown(int x) { return shown(x) * 2; }
  int call_hidden(int x) { return hidden(x) * 2; }
  int call_inner(int x) { return inner(x) * 2; }
  int equal(void) {
    int (*volatile a)(int) = shown, (*volatile b)(int) = hidden, (*volatile c)(int) = inner;
    return (a == shown_pointer) + 2 * (b == hidden_pointer) + 4 * (c == inner_pointer);
  })";

using Resolver = uint64_t();
using Function = int(int);

void resolve(const PayloadImage &image, uint64_t base) {
  for (const PayloadImage::IndirectFunction &function : image.indirect)
    *reinterpret_cast<uint64_t *>(base + function.slot) = reinterpret_cast<Resolver *>(base + function.resolver)();
}

TEST(LinkIndirect, CalledAndComparedInEveryWay) {
  const std::vector<std::pair<std::string, Bytes>> files{
      {"shared", test::compile(kSource, {"-O2"})},
      {"lazy", test::compile(kSource, {"-O2", "-Wl,-z,lazy"})},
      {"symbolic", test::compile(kSource, {"-O2", "-Wl,-Bsymbolic"})},
      {"object", test::compileObject("gcc", kSource, {"-O2", "-fPIC"})},
      {"no plt", test::compileObject("gcc", kSource, {"-O2", "-fPIC", "-fno-plt"})},
      {"large", test::compileObject("gcc", kSource, {"-O2", "-fPIC", "-mcmodel=large"})},
      {"large, no pic", test::compileObject("gcc", kSource, {"-O2", "-fno-pic", "-mcmodel=large"})},
      {"clang", test::compileObject("clang-19", kSource, {"-O2", "-fPIC"})}};
  for (const auto &[name, file] : files) {
    if (file.empty()) continue; // a compiler that is not installed
    SCOPED_TRACE(name);
    auto image = test::read(file);
    ASSERT_TRUE(image.has_value()) << image.error().message;
    Loaded loaded(*image);
    ASSERT_TRUE(loaded.good());
    resolve(*image, loaded.base());
    EXPECT_EQ(loaded.at<Function>("call_shown")(1), 402);
    EXPECT_EQ(loaded.at<Function>("call_hidden")(1), 402);
    EXPECT_EQ(loaded.at<Function>("call_inner")(1), 4);
    EXPECT_EQ((*loaded.at<Function *>("shown_pointer"))(3), 203);
    EXPECT_EQ((*loaded.at<Function *>("hidden_pointer"))(3), 203);
    EXPECT_EQ((*loaded.at<Function *>("inner_pointer"))(3), 4);
    // In a shared object ld has led the address of the hidden one to a stub of its own, but in data to the function.
    constexpr int kHidden = 2;
    EXPECT_EQ(loaded.at<int()>("equal")() | (target::isRelocatable(file) ? 0 : kHidden), 7);
    EXPECT_EQ(loaded.at<Function>("shown")(5), 205) << "for whoever names it from outside";
    EXPECT_EQ(loaded.protectionOf("shown"), PROT_READ | PROT_EXEC);
  }
}

TEST(LinkIndirect, NamesForMessages) {
  auto image = test::read(test::compile(kSource, {"-O2"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  std::vector<std::string> names;
  for (const auto &function : image->indirect)
    names.push_back(function.name);
  EXPECT_EQ(names.size(), 2U) << "one for each resolver";
  image = test::read(test::compile(kSource, {"-O2", "-s"}));
  ASSERT_TRUE(image.has_value()) << image.error().message;
  EXPECT_EQ(image->indirect.size(), 2U);
}

TEST(LinkIndirect, TooMany) {
  std::string source = "static void *pick(void) { return 0; }\n";
  for (int i = 0; i < 2; i++)
    source += "void *pick" + std::to_string(i) + "(void) { return 0; } int f" + std::to_string(i) +
              "(void) __attribute__((ifunc(\"pick" + std::to_string(i) + "\")));\n";
  EXPECT_TRUE(test::read(test::compile(source, {"-O0"})).has_value());
  for (int i = 2; i < 4100; i++)
    source += "void *pick" + std::to_string(i) + "(void) { return 0; } int f" + std::to_string(i) +
              "(void) __attribute__((ifunc(\"pick" + std::to_string(i) + "\")));\n";
  auto image = test::read(test::compile(source, {"-O0"}));
  ASSERT_FALSE(image.has_value());
  EXPECT_EQ(image.error().id, DiagnosticId::UnsupportedPayload);
  EXPECT_EQ(image.error().message, "`patch.so` has more than 4096 indirect functions");
}

} // namespace
} // namespace lpc::backend
