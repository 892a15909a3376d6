// The record of a patch comes back from the memory of a process, or is refused.
#include "backend/record.h"

#include <gtest/gtest.h>

#include <random>

#include "ir/support/sha256.h"

namespace lpc::backend {
namespace {

Record sample() {
  Record record{.name = "hotfix", .version = "1.2", .digest = Bytes(32, 0xd1), .code = {}, .changes = {}};
  record.sequence = 3;
  record.appliedAt = 1'795'000'000'000'000;
  record.state = RecordState::Applied;
  record.code = {{"$fix", {{0x7f00'0000'0000}, {0x7f00'0000'2000}}}};
  record.changes = {{{0x40'1000}, true, {0x55, 0x48, 0x89, 0xe5, 0x90}, {0xe9, 1, 2, 3, 4}},
                    {{0x40'4010}, false, {7}, {8}}};
  record.calls = {{.stage = CallStage::PreRevert, .function = {0x40'1100}, .arguments = {1, UINT64_MAX}},
                  {.stage = CallStage::Finish, .function = {0x40'1200}, .name = "`$fix:end`", .step = 2}};
  record.begun = 2, record.finished = 1;
  record.frames = {{{0x1000}, {0x1080}}};
  record.exitHandles = {{0x7f00'0000'1000}};
  record.openings = {{"own", "own.so", {{0x7f00'0100'0000}, {0x7f00'0100'5000}}, 0x55'0000'1230},
                     {"more", "more.so", {}, 0}};
  record.closer = {0x7f00'0200'0000};
  return record;
}

std::string refusal(BytesView bytes) {
  auto record = decode(bytes);
  if (record) return "(read)";
  EXPECT_EQ(record.error().id, DiagnosticId::CorruptRegistry);
  return record.error().message;
}
std::string damaged(const std::string &what) { return "the record of a patch in the process is damaged: " + what; }

TEST(Record, comesBack) {
  for (const Record &record : {Record{}, sample()}) {
    Bytes bytes = encode(record);
    EXPECT_EQ(decode(bytes).value(), record);
    EXPECT_LE(undoOffset(record) + undoBytes(record).size(), bytes.size());
    if (!record.openings.empty()) {
      EXPECT_EQ(handleOffset(record, record.openings.size()), bytes.size());
    }
    bytes.resize(bytes.size() + 4096); // the rest of its last page
    EXPECT_EQ(decode(bytes).value(), record);
  }
}

TEST(Record, saysWhatItIsNot) {
  EXPECT_EQ(refusal({}), damaged("it has no header"));
  Bytes bytes = encode(sample());
  bytes[0] ^= 1;
  EXPECT_EQ(refusal(bytes), damaged("it has no header"));
  bytes = encode(sample());
  bytes[8] = 1;
  EXPECT_EQ(refusal(bytes), "a patch was recorded by another version of lpc (format 1)");
  for (uint8_t state : std::initializer_list<uint8_t>{0, 6, 255}) {
    bytes = encode(sample());
    bytes[kStateOffset] = state;
    EXPECT_EQ(refusal(bytes), damaged("it has no valid state"));
  }
}

TEST(Record, cutOffAnywhereIsRefused) {
  const Bytes bytes = encode(sample());
  for (size_t size = 0; size < bytes.size(); size++)
    EXPECT_NE(refusal(Bytes(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size))), "(read)") << size;
}

// Only what may change while the patch stands is not covered by the checksum.
TEST(Record, anyByteChangedIsNoticed) {
  const Record record = sample();
  const Bytes whole = encode(record);
  for (size_t i = 0; i < whole.size(); i++)
    for (unsigned change = 1; change < 256; change++) {
      Bytes bytes = whole;
      bytes[i] ^= static_cast<uint8_t>(change);
      auto changed = decode(bytes);
      if (!changed) continue;
      const bool mayChange = (i >= kStateOffset && i < kStateOffset + 8) ||
                             (i >= kBegunOffset && i < kFinishedOffset + 8) || i >= undoOffset(record);
      ASSERT_TRUE(mayChange) << "byte " << i << " changed by " << change;
      changed->state = record.state, changed->begun = record.begun, changed->finished = record.finished;
      for (size_t k = 0; k < record.openings.size(); k++)
        changed->openings.at(k).handle = record.openings[k].handle;
      for (size_t k = 0; k < record.changes.size(); k++)
        changed->changes.at(k).oldBytes = record.changes[k].oldBytes;
      ASSERT_EQ(*changed, record);
    }
}

// With a checksum that fits: a process can write what it likes.
TEST(Record, beneathTheChecksumItIsRefusedOrWellFormed) {
  constexpr size_t kBody = 88, kSize = 24, kChecksum = 40;
  const Bytes whole = encode(sample());
  std::mt19937_64 random(20261124);
  unsigned read = 0, refused = 0;
  for (unsigned round = 0; round < 30'000; round++) {
    Bytes bytes = whole;
    for (uint64_t changes = 1 + random() % 3; changes > 0; changes--) {
      constexpr uint8_t kTelling[] = {0, 1, 0x7f, 0x80, 0xff};
      bytes[16 + random() % (bytes.size() - 16)] =
          random() % 2 == 0 ? kTelling[random() % std::size(kTelling)] : static_cast<uint8_t>(random());
    }
    uint64_t size = loadLittle(BytesView(bytes).subspan(kSize, 8));
    if (size <= bytes.size() - kBody)
      std::ranges::copy(sha256(BytesView(bytes).subspan(kBody, size)), bytes.begin() + kChecksum);
    auto record = decode(bytes);
    (record ? read : refused)++;
    if (!record) continue;
    ASSERT_EQ(decode(encode(*record)).value(), *record);
    ASSERT_LE(encode(*record).size(), bytes.size());
  }
  EXPECT_GT(read, 1000U);
  EXPECT_GT(refused, 1000U);
}

} // namespace
} // namespace lpc::backend
