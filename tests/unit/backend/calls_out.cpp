// Which payloads call anything but themselves.
#include "backend/calls_out.h"

#include <gtest/gtest.h>

#include "backend/plan_start.h"
#include "link_support.h"

namespace lpc::backend {
namespace {

constexpr RemoteAddress kBase{0x7f0000000000};

bool out(const std::string &source, const std::vector<std::string> &flags = {}) {
  Result<PayloadImage> image = test::read(test::compile(source, flags));
  if (!image) throw std::runtime_error(image.error().message);
  auto content = image->place(kBase, [](const UndefinedSymbol &) { return RemoteAddress{0x1000}; });
  if (!content || !image->unwindTable) throw std::runtime_error("no payload with frames");
  auto frames = framesOf(*content, *image->unwindTable);
  if (!frames) throw std::runtime_error("frames without an end");
  return callsOut(*image, *content, kBase, *frames);
}

TEST(CallsOut, NotOfFunctionsThatOnlyCompute) {
  EXPECT_FALSE(out("int f(int x) { return x + 1; } char text[] = \"text\";"));
  EXPECT_FALSE(out("int f(int x) { return x ? x * f(x - 1) : 1; }", {"-O0"}));
  EXPECT_FALSE(out("static int total; int f(const int *v, int n) { while (n--) total += v[n]; return total; }"));
}

TEST(CallsOut, NotOfCallsWithinThePayload) {
  const std::string own = "__attribute__((noinline)) int g(int x) { return x * 3; } int f(int x) { return g(x) + 1; }";
  EXPECT_FALSE(out(own)); // through the procedure linkage table, as g is exported
  EXPECT_FALSE(out(own, {"-fno-plt"}));
  EXPECT_FALSE(out(own, {"-fvisibility=hidden"}));
  EXPECT_FALSE(out(own, {"-fcf-protection=full", "-Wl,-z,ibtplt"}));
  EXPECT_FALSE(out(own, {"-Wl,-z,now"}));
}

TEST(CallsOut, OfCallsOfTheProgram) {
  EXPECT_TRUE(out("int theirs(int); int f(int x) { return theirs(x) + 1; }"));
  EXPECT_TRUE(out("int theirs(int); int f(int x) { return theirs(x); }")); // a tail call
  EXPECT_TRUE(out("int theirs(int); int f(int x) { return theirs(x) + 1; }", {"-fno-plt"}));
}

TEST(CallsOut, OfCallsThroughPointers) {
  EXPECT_TRUE(out("int f(int (*g)(int), int x) { return g(x) + 1; }"));
  EXPECT_TRUE(out("int f(int (*g)(int), int x) { return g(x); }"));
  // In a variable, which the program may change.
  const std::string variable =
      "static int g(int x) { return x; } int (*hook)(int) = g; int f(int x) { return hook(x); }";
  EXPECT_TRUE(out(variable));
  EXPECT_TRUE(out(variable, {"-fvisibility=hidden"}));
}

TEST(CallsOut, OfWhatCannotBeTold) {
  EXPECT_TRUE(
      out("int f(int x) { switch (x) { case 0: return 5; case 1: return 2; case 2: return 9; case 3: return 1;\n"
          "case 4: return 7; case 5: return 4; } __asm__(\"jmp *%0\" : : \"r\"((long)x)); return 0; }"));
  EXPECT_TRUE(out("__asm__(\".fill 40000, 1, 0x90\\n\"); void f(void) { __asm__(\".fill 40000, 1, 0x90\"); }"));
}

TEST(CallsOut, OfTablesThatAreCutOff) {
  Result<PayloadImage> image = test::read(test::compile("int f(int x) { return x + 1; }"));
  ASSERT_TRUE(image);
  auto content = image->place(kBase, [](const UndefinedSymbol &) { return RemoteAddress{0x1000}; });
  ASSERT_TRUE(content);
  auto frames = framesOf(*content, *image->unwindTable);
  ASSERT_TRUE(frames);
  EXPECT_FALSE(callsOut(*image, *content, kBase, *frames));
  for (uint64_t size = 1; size + 4 < frames->size; size++) // all but the entry that ends it
    (void)callsOut(*image, *content, kBase, {frames->offset, size});
  for (uint64_t at = 0; at < frames->size; at++)
    for (int value : {0x00, 0x7f, 0x80, 0xff}) {
      Bytes changed = *content;
      changed[frames->offset + at] = static_cast<uint8_t>(value);
      (void)callsOut(*image, changed, kBase, *frames);
    }
}

} // namespace
} // namespace lpc::backend
