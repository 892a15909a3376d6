// Damaged and malicious bundles: refused, or the same as before.
#include <gmock/gmock.h>

#include "ir/bundle/bundle.h"
#include "ir/bundle/elf_container.h"
#include "ir/verify.h"
#include "tests/unit/ir/patches.h"

namespace lpc::ir {
namespace {

using testing::HasSubstr;

Bytes bytesOf(const Patch &patch) { return writeBundle({{patch}}).value(); }

// A patch of one kind of everything that is small.
Patch smallPatch() {
  Patch patch;
  patch.name = "p";
  patch.objects.push_back({"target", "", "./s", {0x5e, 0x7e}});
  patch.payloads.push_back({"f", {1, 2, 3}});
  patch.memories.push_back({"m", 3, Permission::R, PayloadId{0}, {1, 1, 1, 9}});
  patch.operations.push_back({Load{MemoryId{0}}, {1, 1, 1, 9}});
  Address at{InObject{ObjectId{0}, {0x4010}, "counter", 0}};
  patch.operations.push_back({Write{"int", at, Bytes{1, 0, 0, 0}, 4, Bytes{0, 0, 0, 0}, {}}, {2, 1, 2, 9}});
  return patch;
}

std::string messageFor(BytesView file) {
  auto bundle = readBundle(file);
  return bundle ? "(accepted)" : bundle.error().message;
}
std::string messageBeneath(BytesView file) {
  auto bundle = readBundleUnchecked(file);
  return bundle ? "(accepted)" : bundle.error().message;
}

TEST(HostileBundle, anyByteChangedIsNoticed) {
  Bytes file = bytesOf(smallPatch());
  for (size_t i = 0; i < file.size(); i++)
    for (unsigned change = 1; change < 256; change++) {
      file[i] ^= static_cast<uint8_t>(change);
      auto bundle = readBundle(file);
      ASSERT_FALSE(bundle) << "byte " << i << " changed by " << change;
      ASSERT_EQ(bundle.error().id, DiagnosticId::BadIr);
      file[i] ^= static_cast<uint8_t>(change);
    }
}

TEST(HostileBundle, beneathTheDigestAnyByteChangedIsRefusedOrWellFormed) {
  Bytes file = bytesOf(smallPatch());
  size_t accepted = 0, refused = 0;
  for (size_t i = 0; i < file.size(); i++)
    for (unsigned change = 1; change < 256; change++) {
      file[i] ^= static_cast<uint8_t>(change);
      auto bundle = readBundleUnchecked(file);
      file[i] ^= static_cast<uint8_t>(change);
      (bundle ? accepted : refused)++;
      if (!bundle) continue;
      ASSERT_TRUE(verify(bundle->builds.at(0)).empty()) << "byte " << i << " changed by " << change;
      auto again = readBundle(writeBundle(*bundle).value());
      ASSERT_TRUE(again && *again == *bundle) << "byte " << i << " changed by " << change;
    }
  EXPECT_GT(accepted, 0U); // or this test does not look beneath the digest
  EXPECT_GT(refused, accepted);
}

TEST(HostileBundle, cutOffAnywhereIsRefused) {
  Bytes file = bytesOf(test::samplePatch());
  for (size_t size = 0; size < file.size(); size++) {
    ASSERT_NE(messageFor(BytesView(file).first(size)), "(accepted)") << size;
    ASSERT_NE(messageBeneath(BytesView(file).first(size)), "(accepted)") << size;
  }
}

TEST(HostileBundle, somethingBehindItIsNoticed) {
  Bytes file = bytesOf(smallPatch());
  file.push_back(0);
  EXPECT_EQ(messageFor(file), "the bundle is damaged: its contents are not those that its digest was taken of");
}

TEST(HostileBundle, randomDamageBeneathTheDigest) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 3000; i++) {
    Bytes file = bytesOf(test::randomPatch(random));
    for (uint64_t n = 1 + random() % 4; n > 0; n--)
      file[random() % file.size()] = static_cast<uint8_t>(random() % 4 == 0 ? 0xff : random());
    auto bundle = readBundleUnchecked(file);
    if (bundle) {
      ASSERT_TRUE(verify(bundle->builds.at(0)).empty());
    }
  }
}

TEST(HostileBundle, saysWhatItIsNot) {
  Bytes file = bytesOf(smallPatch());
  EXPECT_EQ(messageFor(asBytes("\x7f"
                               "ELF")),
            "the bundle is damaged: it is no ELF file");
  EXPECT_EQ(messageFor(Bytes(64, 0x7f)), "the bundle is damaged: it is no ELF file");
  std::vector<Section> sections = {{".text", false, {0x90}}};
  EXPECT_EQ(messageFor(writeContainer(Machine::X86_64, sections)),
            "the file is an ELF file, but no bundle of lpc: it has no section `.note.lp`");
}

// The bundle with the first occurrence of some bytes replaced by as many others.
Bytes with(Bytes file, std::string_view what, std::string_view by) {
  auto found = std::ranges::search(file, asBytes(what));
  EXPECT_FALSE(found.empty()) << what;
  std::ranges::copy(by, found.begin());
  return file;
}

TEST(HostileBundle, anotherVersionOfTheFormatIsNamedFirst) {
  auto bundle = readBundle(with(bytesOf(smallPatch()),
                                "\xa6"
                                "format\x01",
                                "\xa6"
                                "format\x02"));
  ASSERT_FALSE(bundle);
  EXPECT_EQ(bundle.error().message, "the bundle has version 2 of the format, and this lpc reads version 1");
  EXPECT_EQ(bundle.error().help, "build it again with this lpc, or apply it with the one that built it");
}

TEST(HostileBundle, whatIsNotUnderstoodIsRefused) {
  Bytes file = bytesOf(smallPatch());
  EXPECT_EQ(messageBeneath(with(file, "recorded", "required")),
            "the IR of the bundle is damaged: a field `required` is not known to this lpc: it was "
            "made by a newer one, or is damaged");
  EXPECT_THAT(messageBeneath(with(file,
                                  "\xa5"
                                  "write",
                                  "\xa5"
                                  "wrote")),
              HasSubstr("`wrote` is not known to this lpc"));
  EXPECT_THAT(messageBeneath(with(file,
                                  "\xa6"
                                  "object",
                                  "\xa6"
                                  "sabjec")),
              HasSubstr("not known to this lpc"));
}

TEST(HostileBundle, lengthsAreNotBelieved) {
  Bytes file = bytesOf(smallPatch());
  // An array of 15 builds in the note, of 15 operations in the IR.
  EXPECT_NE(messageBeneath(with(file, "builds\x91", "builds\x9f")), "(accepted)");
  EXPECT_NE(messageBeneath(with(file, "operations\x92", "operations\x9f")), "(accepted)");
  EXPECT_THAT(messageBeneath(with(file, std::string_view("section\0", 8), "section\x07")),
              HasSubstr("it has no section `.lp.payload.7`"));
}

} // namespace
} // namespace lpc::ir
