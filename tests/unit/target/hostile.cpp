// Files that lie. Every one is refused with a reason or read in bounds (run with sanitizers: preset fuzz).
#include <array>
#include <random>

#include "exercise.h"
#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

// True where the file was read.
bool readable(Bytes bytes) {
  auto file = ElfFile::fromBytes(std::move(bytes), "hostile");
  if (!file) {
    EXPECT_FALSE(file.error().message.empty());
    EXPECT_TRUE(file.error().id == DiagnosticId::NotElf || file.error().id == DiagnosticId::UnsupportedMachine);
    return false;
  }
  exercise(**file);
  return true;
}

TEST(Hostile, CutAtEveryLength) {
  for (const char *name : {"small", "object", "i386"}) {
    Bytes whole = readAll(madeFile(name));
    ASSERT_TRUE(readable(whole)) << name;
    for (size_t size = 0; size < whole.size(); size++) {
      Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(readable(std::move(part))) << name << " cut to " << size << " of " << whole.size();
    }
  }
}

// A linked program is cut at fewer places, all through it.
TEST(Hostile, LinkedProgramCut) {
  for (const char *name : {"libversions.so", "shapes_relr", "shapes_stripped", "shapes_pie.debug"}) {
    Bytes whole = readAll(madeFile(name));
    for (size_t size = 1; size < whole.size(); size += whole.size() / 200 + 1)
      readable({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
  }
}

TEST(Hostile, EveryByteOfTheHeadersInverted) {
  for (const char *name : {"small", "i386", "object"}) {
    const Bytes whole = readAll(madeFile(name));
    for (size_t at = 0; at < whole.size(); at++) {
      Bytes bad = whole;
      bad[at] = static_cast<uint8_t>(~bad[at]);
      readable(std::move(bad));
    }
  }
}

class FlippedBits : public testing::TestWithParam<const char *> {};

TEST_P(FlippedBits, AreRefusedOrRead) {
  const Bytes whole = readAll(madeFile(GetParam()));
  ASSERT_FALSE(whole.empty());
  std::mt19937_64 random(20241123);
  size_t read = 0, rounds = 400;
  for (size_t round = 0; round < rounds; round++) {
    Bytes bad = whole;
    // Half of them among the headers and tables at the front, where it matters most.
    for (unsigned flips = 1 + static_cast<unsigned>(random() % 8); flips > 0; flips--) {
      size_t range = random() % 2 ? bad.size() : std::min<size_t>(bad.size(), 4096);
      bad[random() % range] ^= static_cast<uint8_t>(1U << (random() % 8));
    }
    read += readable(std::move(bad));
  }
  EXPECT_GT(read, 0U);
  EXPECT_LT(read, rounds);
}
INSTANTIATE_TEST_SUITE_P(Files, FlippedBits,
                         testing::Values("small", "libversions.so", "shapes_stripped", "shapes_relr", "shapes_sysv"),
                         [](const auto &test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

// Extreme numbers in place of every aligned word of the headers and tables.
TEST(Hostile, ExtremeNumbers) {
  for (const char *name : {"small", "libversions_stripped.so"}) {
    const Bytes whole = readAll(madeFile(name));
    for (size_t at = 0; at + 8 <= std::min<size_t>(whole.size(), 2048); at += 4)
      for (uint64_t number :
           {uint64_t{0}, uint64_t{1}, uint64_t{0x7fffffff}, uint64_t{0xffffffff}, UINT64_MAX - 7, UINT64_MAX}) {
        Bytes bad = whole;
        storeLittle(std::span(bad).subspan(at, 8), number);
        readable(std::move(bad));
      }
  }
}

// A hash has 32 bits: there is nothing to shift out of it by more.
TEST(Hostile, ShiftOfTheBloomFilter) {
  Bytes bytes = readAll(madeFile("libversions.so"));
  auto file = openElf(madeFile("libversions.so"));
  auto hash = std::ranges::find(file->sections(), ".gnu.hash", &Section::name);
  ASSERT_NE(hash, file->sections().end());
  uint64_t shift = hash->address.value + 12; // in the first segment, where offsets are addresses
  ASSERT_LT(loadLittle(BytesView(bytes).subspan(shift, 4)), 32U);
  for (uint8_t bad : std::array<uint8_t, 4>{32, 35, 63, 255}) {
    bytes[shift] = bad;
    EXPECT_FALSE(readable(bytes)) << bad;
  }
}

} // namespace
} // namespace lpc::target
