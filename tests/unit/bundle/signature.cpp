// Signatures that Debian's minisign 0.11 wrote verify, and nothing that was changed does.
#include "ir/bundle/signature.h"

#include <gmock/gmock.h>

namespace lpc::ir {
namespace {

const std::string kFile = "signed by a test\n";
const std::string kKey = "RWQlDoS75oZ+8V7CVHEU4qImhTo3yiz/WogeYAiM9ow6ESbFwitOXwlg";
const std::string kKeyFile = "untrusted comment: minisign public key F17E86E6BB840E25\n" + kKey + "\n";
const std::string kOtherKey = "RWRwdD5kaj3w+F/zE/2Y0cHmvvVRyS2rZ1kxzHY6PFPGfb1s0V1H94j+";

// minisign -S, -S -l; by another key.
const std::string kPrehashed = R"(untrusted comment: signature from minisign secret key
RUQlDoS75oZ+8UUryk7p60ykYrkb4MK+ZAyw2mThuSK5lZGEf4gi65fBrIWQeDWAeBHm3pc7HMu5nQw6yKOW1xcdvCwBZmIxNQw=
trusted comment: made for lpc
X8ZxhdYXZHuQ6Nt41wgqJEKIw7l/IKLv7Gj6urFlcc9vjCPQAVyNObu5T2rnkKzao/Smbh6zrP2Iil1NB/WYBQ==
)";
const std::string kLegacy = R"(untrusted comment: signature from minisign secret key
RWQlDoS75oZ+8d1UayNBblOEuYz/txlIvXJcyHk9ng18EO+AQqprgpsENeuQpGtNbPumYemSmLuM6Fy4p3pvGlU1EYKVwf3Ztw8=
trusted comment: made for lpc
Vl2Abzyvx2ku275b++9dnIS0Draf/3Rrti7kq+6CmuVhbSO7sOqrql3o0abEzOAMpHN3QOqeuVvfpsIs8I8/BA==
)";
const std::string kForeign = R"(untrusted comment: signature from minisign secret key
RURwdD5kaj3w+CtY7OELv9RKFAVpgkPBDJc09RNVjiABjJHaD2gTMo4Lsl0GjQkevSf9xxxv5UBsw56dGpz1vgzgOT4BdDW9zwc=
trusted comment: timestamp:1795473489	file:f	hashed
d3Jn4J+cffx8Wrz6ZYQg7rHL6p01ws+qsZBkCRcDBaH/lTSwdt8PC4QJLfYEAPog807FRunI2oAsXvfG/iTwBg==
)";

PublicKey keyOf(const std::string &text) {
  auto key = parsePublicKey(text, "a.pub");
  EXPECT_TRUE(key);
  return key.value_or(PublicKey{});
}

// The trusted comment, or what is wrong.
std::string verified(const std::string &signature, const std::string &file = kFile,
                     const std::vector<PublicKey> &keys = {keyOf(kKey)}) {
  auto comment = verifySignature(asBytes(file), signature, keys, "f", "f.minisig");
  return comment ? *comment : comment.error().message;
}

const std::string kChanged = "`f` is not what was signed: `f.minisig` does not fit its contents";

TEST(Signature, OfMinisignVerifies) {
  EXPECT_EQ(verified(kPrehashed), "made for lpc");
  EXPECT_EQ(verified(kLegacy), "made for lpc");
  EXPECT_EQ(verified(kForeign, kFile, {keyOf(kKey), keyOf(kOtherKey)}), "timestamp:1795473489\tfile:f\thashed");
}

TEST(Signature, IsOfOneFileByOneKey) {
  EXPECT_EQ(verified(kPrehashed, kFile + "x"), kChanged);
  EXPECT_EQ(verified(kLegacy, "signed by a text\n"), kChanged);
  EXPECT_EQ(verified(kPrehashed, ""), kChanged);
  auto foreign = verifySignature(asBytes(kFile), kForeign, std::vector{keyOf(kKeyFile)}, "f", "f.minisig");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().id, DiagnosticId::ForeignKey);
  EXPECT_EQ(foreign.error().message, "`f` is signed by the key F8F03D6A643E7470, which is not trusted here");
  EXPECT_THAT(foreign.error().notes.at(0).lines, testing::ElementsAre("F17E86E6BB840E25  a.pub"));
}

TEST(Signature, IsNotTakenFromAnotherKeyOfThatId) {
  PublicKey forged = keyOf(kOtherKey);
  forged.id = keyOf(kKey).id;
  EXPECT_EQ(verified(kPrehashed, kFile, {forged}), kChanged);
  EXPECT_EQ(verified(kPrehashed, kFile, {forged, keyOf(kKey)}), "made for lpc");
}

TEST(Signature, CoversTheTrustedComment) {
  std::string other = kPrehashed;
  other.replace(other.find("made for"), 8, "MADE FOR");
  EXPECT_EQ(verified(other), "the trusted comment of `f.minisig` is not what was signed");
}

TEST(Signature, AnyByteChangedIsRefusedButInTheUntrustedComment) {
  for (const std::string &signature : {kPrehashed, kLegacy}) {
    const size_t begin = std::string_view("untrusted comment: ").size(), end = signature.find('\n');
    std::string changed = signature;
    for (size_t i = 0; i < signature.size() - 1; i++) { // the last line break may be missing
      for (int flip : {1, 2, 4, 32, 128}) {
        changed[i] = static_cast<char>(signature[i] ^ flip);
        if (i < begin || i >= end) {
          ASSERT_NE(verified(changed), "made for lpc") << "byte " << i << ": " << changed;
        }
      }
      changed[i] = signature[i];
    }
  }
}

TEST(Signature, CutOffAnywhereIsRefused) {
  for (size_t size = 0; size + 1 < kPrehashed.size(); size++)
    ASSERT_NE(verified(kPrehashed.substr(0, size)), "made for lpc") << size;
  EXPECT_EQ(verified(""), "`f.minisig` is no signature in minisign's format");
  EXPECT_EQ(verified(kPrehashed + "x"), "`f.minisig` is no signature in minisign's format");
  EXPECT_EQ(verified(std::string(100000, 'u')), "`f.minisig` is no signature in minisign's format");
}

TEST(PublicKey, IsAFileOrALine) {
  EXPECT_EQ(keyOf(kKey), keyOf(kKeyFile));
  EXPECT_EQ(keyIdText(keyOf(kKey).id), "F17E86E6BB840E25");
  for (const std::string &bad : {std::string(), kKey.substr(1), kKey.substr(4), kKey + "AAAA", "comment\n" + kKey,
                                 kKeyFile + kKey + "\n", std::string("RWQ"), kPrehashed})
    EXPECT_EQ(parsePublicKey(bad, "a.pub").error().message, "`a.pub` is no public key of minisign") << bad;
}

} // namespace
} // namespace lpc::ir
