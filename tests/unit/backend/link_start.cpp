// Which constructors and destructors a payload has, and what it needs for exceptions.
#include <gmock/gmock.h>

#include "backend/plan_start.h"
#include "link_support.h"

namespace lpc::backend {
namespace {

using test::compile;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names(const std::vector<PayloadImage::StartFunction> &functions) {
  std::vector<std::string> out;
  for (const auto &function : functions)
    out.push_back(function.name);
  return out;
}

PayloadImage good(const Result<PayloadImage> &image) {
  EXPECT_TRUE(image.has_value()) << image.error().message;
  return image.value_or(PayloadImage{});
}

TEST(LinkStart, ConstructorsInOrder) {
  PayloadImage image = good(test::read(
      compile("int x, y; __attribute__((constructor(102))) static void two(void) { y = 2; }\n"
              "__attribute__((constructor(101))) static void one(void) { x = 1; }\n"
              "extern void theirs(void); __attribute__((destructor)) static void stop(void) { theirs(); }")));
  EXPECT_THAT(names(image.constructors), ElementsAre("one", "two"));
  EXPECT_THAT(names(image.destructors), ElementsAre("stop"));
  EXPECT_FALSE(image.exitHandle);
  EXPECT_FALSE(image.isCxx);
  EXPECT_THAT(names(good(test::read(compile("int x; void _init(void) { x = 1; }", {"-nostartfiles"}))).constructors),
              ElementsAre("_init"));
}

TEST(LinkStart, StrippedPayloads) {
  PayloadImage image = good(test::read(compile("#include <stdlib.h>\nint x; static void bye(void) { abort(); }\n"
                                               "__attribute__((constructor)) static void start(void) { atexit(bye); }",
                                               {"-s"})));
  ASSERT_EQ(image.constructors.size(), 1U);
  EXPECT_TRUE(image.constructors[0].name.starts_with("0x"));
  ASSERT_TRUE(image.exitHandle);
}

// An address of the process in the table of initialisers; and a hook that only this payload knows.
TEST(LinkStart, ConstructorsThatDependOnTheProcess) {
  PayloadImage image = good(test::read(compile(
      "extern void theirs(void); __attribute__((section(\".init_array\"), used)) void (*entry)(void) = theirs;")));
  ASSERT_THAT(names(image.constructors), ElementsAre("?"));
  EXPECT_TRUE(image.constructors[0].isPointer);
  EXPECT_THAT(
      names(good(test::read(compile("extern void maybe(void) __attribute__((weak));\n"
                                    "__attribute__((constructor)) static void start(void) { if (maybe) maybe(); }")))
                .constructors),
      ElementsAre("start"));
}

void expectNone(const Result<PayloadImage> &read) {
  PayloadImage image = good(read);
  EXPECT_THAT(names(image.constructors), IsEmpty());
  EXPECT_THAT(names(image.destructors), IsEmpty());
}

TEST(LinkStart, WhatDoesNothingIsNoConstructor) {
  expectNone(test::read(compile("__attribute__((constructor)) static void start(void) {}")));
  expectNone(
      test::read(compile("__attribute__((constructor)) static void start(void) {}", {"-O0", "-fcf-protection=full"})));
  expectNone(test::read(compile("static int x; __attribute__((destructor)) static void stop(void) { x = 1; }")));
  expectNone(test::read(compile("#include <stdlib.h>\nstatic void bye(void) {}\nint f(void) { return atexit(bye); }")));
}

TEST(LinkStart, FramesEndWhereTheirTableEnds) {
  // .eh_frame_hdr whose pointer leads 4 bytes on, behind itself: an entry of 4 bytes, then the end.
  Bytes content{1, 0x1b, 3, 0x3b, 4, 0, 0, 0, 4, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 0, 7};
  auto frames = framesOf(content, {0, 8});
  ASSERT_TRUE(frames);
  EXPECT_EQ(frames->offset, 8U);
  EXPECT_EQ(frames->size, 12U);
  for (size_t size = 0; size < 20; size++)
    EXPECT_FALSE(framesOf(BytesView(content).first(size), {0, 8})) << size;
  content[4] = 0xff; // leads out of the image
  content[7] = 0xff;
  EXPECT_FALSE(framesOf(content, {0, 8}));
  EXPECT_FALSE(framesOf(content, {content.size(), 8}));
}

} // namespace
} // namespace lpc::backend
