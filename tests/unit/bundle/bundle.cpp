// The bundle: what is written comes back, the same input gives the same bytes, and builds that don't fit are refused.
#include "ir/bundle/bundle.h"

#include <gmock/gmock.h>

#include "ir/bundle/elf_container.h"
#include "ir/verify.h"
#include "tests/unit/ir/patches.h"

namespace lpc::ir {
namespace {

using testing::HasSubstr;

Bytes written(const Bundle &bundle) {
  auto file = writeBundle(bundle);
  EXPECT_TRUE(file) << file.error().message;
  return file.value_or(Bytes{});
}

void expectRoundTrip(const Bundle &bundle) {
  Bytes file = written(bundle);
  auto back = readBundle(file);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(*back, bundle);
  ASSERT_EQ(written(*back), file);
}

std::string refusal(const Bundle &bundle) {
  auto file = writeBundle(bundle);
  return file ? "(written)" : file.error().message;
}

Patch otherBuild() {
  Patch patch = test::samplePatch();
  patch.objects[0].buildId = {1, 2, 3};
  patch.objects[0].path = "./other";
  std::get<Write>(patch.operations[3].action).width = 4;
  return patch;
}

TEST(Bundle, comesBack) { expectRoundTrip({{test::samplePatch()}}); }

TEST(Bundle, comesBackForThousandsOfRandomPatches) {
  std::mt19937_64 random(20040714);
  for (int i = 0; i < 3000; i++) {
    expectRoundTrip({{test::randomPatch(random)}});
    if (HasFatalFailure()) FAIL() << "patch " << i;
  }
}

TEST(Bundle, comesBackAtTheBorders) {
  Patch patch = test::samplePatch();
  patch.version = std::string("\0\xff\"\\\n\u202e", 8);
  patch.payloads.push_back({"empty", {}});
  std::get<Write>(patch.operations[3].action).recorded.reset();
  std::get<Write>(patch.operations[5].action).was = Address{InObject{ObjectId{1}, {UINT64_MAX}, "", INT64_MIN}};
  std::get<Branch>(patch.operations[7].action).to = {};
  Address deep{Absolute{{0}}};
  for (unsigned i = 0; i < kMaxLoadDepth; i++)
    deep = Address{Loaded{std::make_shared<const Address>(std::move(deep)), static_cast<int64_t>(i) - 4}};
  std::get<Branch>(patch.operations[7].action).to = deep;
  patch.operations[7].place = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
  expectRoundTrip({{patch}});
}

TEST(Bundle, holdsSeveralBuilds) {
  Bundle both{{test::samplePatch(), otherBuild()}};
  expectRoundTrip(both);
  // Payloads that both have stand there once.
  auto container = readContainer(written(both));
  ASSERT_TRUE(container);
  int payloads = 0;
  for (const auto &[name, contents] : container->sections)
    payloads += name.starts_with(".lp.payload.") ? 1 : 0;
  EXPECT_EQ(payloads, 2);
}

TEST(Bundle, refusesBuildsThatDoNotFit) {
  Patch sample = test::samplePatch();
  EXPECT_EQ(refusal({}), "cannot bundle: a bundle has 1 to 1024 builds");
  EXPECT_EQ(refusal({{sample, sample}}), "cannot bundle: `./server` and `./server` are the same build");
  Patch other = otherBuild();
  other.objects[0].buildId.clear();
  EXPECT_EQ(refusal({{sample, other}}),
            "cannot bundle: `./other` has no build-id, by which a build is chosen among several");
  other = otherBuild();
  other.name = "hotfix2";
  EXPECT_EQ(refusal({{sample, other}}), "cannot bundle: its builds are of different patches");
  other = otherBuild();
  other.machine = Machine::AArch64;
  EXPECT_EQ(refusal({{sample, other}}), "cannot bundle: its builds are for different machines, x86_64 and aarch64");
}

TEST(Bundle, isToldFromTexts) {
  Bytes file = written({{test::samplePatch()}});
  EXPECT_TRUE(isBundle({reinterpret_cast<const char *>(file.data()), file.size()}));
  EXPECT_FALSE(isBundle("# lpir 1\n"));
  EXPECT_FALSE(isBundle(""));
}

} // namespace
} // namespace lpc::ir
