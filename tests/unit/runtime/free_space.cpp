// Where memory for a patch may go.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "runtime/maps.h"

namespace lpc::runtime {
namespace {

constexpr uint64_t kReach = 0x7ff00000;
constexpr uint64_t kGiB = uint64_t{1} << 30;

Mapping mapping(uint64_t begin, uint64_t end, std::string path = "", bool writable = false) {
  return {.range = {{begin}, {end}}, .readable = true, .writable = writable, .path = std::move(path)};
}

// What holds for every candidate, whatever the process looks like.
void checkAll(const std::vector<RemoteAddress> &candidates, const std::vector<Mapping> &maps, RemoteRange near,
              uint64_t size) {
  EXPECT_EQ(std::set<RemoteAddress>(candidates.begin(), candidates.end()).size(), candidates.size());
  for (RemoteAddress at : candidates) {
    RemoteRange range{at, at + size};
    EXPECT_EQ(at.value % 4096, 0U);
    for (const Mapping &each : maps)
      EXPECT_FALSE(each.range.overlaps(range)) << hexAddress(at);
    // Farthest byte from farthest byte.
    EXPECT_LE(std::max(range.end, near.end) - std::min(range.begin, near.begin), kReach) << hexAddress(at);
  }
}

TEST(FreeSpace, BelowTheTextFirst) {
  std::vector<Mapping> maps{mapping(0x555555554000, 0x555555560000, "/usr/bin/server"),
                            mapping(0x555555560000, 0x555555570000, "/usr/bin/server", true),
                            mapping(0x555556000000, 0x555556100000, "[heap]", true)};
  RemoteRange near = maps[0].range;
  auto found = freeSpace(maps, near, 0x10000, kReach);
  ASSERT_FALSE(found.empty());
  checkAll(found, maps, near, 0x10000);
  EXPECT_EQ(found[0].value, 0x555555554000U - 0x1000 - 0x10000); // a page stays free between
  for (RemoteAddress at : found)
    EXPECT_TRUE(at.value < 0x555556000000 || at.value >= 0x555556100000 + kGiB); // room for the heap to grow
}

TEST(FreeSpace, ANonPieHasLittleBelow) {
  std::vector<Mapping> maps{mapping(0x400000, 0x405000, "/usr/bin/server"),
                            mapping(0x405000, 0x406000, "/usr/bin/server", true),
                            mapping(0x1000000, 0x1100000, "[heap]", true)};
  RemoteRange near = maps[0].range;
  auto small = freeSpace(maps, near, 0x10000, kReach);
  ASSERT_FALSE(small.empty());
  EXPECT_LT(small[0].value, 0x400000U);
  EXPECT_GE(small[0].value, 0x100000U); // never where null pointers point
  checkAll(small, maps, near, 0x10000);
  auto large = freeSpace(maps, near, 0x4000000, kReach); // 64 MiB
  ASSERT_FALSE(large.empty());
  checkAll(large, maps, near, 0x4000000);
  for (RemoteAddress at : large)
    EXPECT_GE(at.value, 0x1100000 + kGiB);
  EXPECT_EQ(large[0].value,
            (0x400000 + kReach - 0x4000000) & ~uint64_t{0xfff}); // as far from the heap as can be reached
}

TEST(FreeSpace, WithoutAHeapItWillBeAboveTheVariables) {
  std::vector<Mapping> maps{mapping(0x400000, 0x405000, "/a"), mapping(0x405000, 0x406000, "/a", true)};
  for (RemoteAddress at : freeSpace(maps, maps[0].range, 0x4000000, kReach))
    EXPECT_GE(at.value, 0x406000 + kGiB);
  // The nearest case in which nothing grows there: the last mapping is code.
  maps.pop_back();
  auto found = freeSpace(maps, maps[0].range, 0x4000000, kReach);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].value, 0x406000U);
}

TEST(FreeSpace, KeepsAwayFromBelowAStack) {
  std::vector<Mapping> maps{mapping(0x7ffff0000000, 0x7ffff0100000, "/lib/x.so"),
                            mapping(0x7ffffffde000, 0x7ffffffff000, "[stack]", true)};
  auto found = freeSpace(maps, {{0x7ffff0000000}, {0x7ffff0100000}}, 0x1000, kReach);
  ASSERT_FALSE(found.empty());
  checkAll(found, maps, maps[0].range, 0x1000);
  for (RemoteAddress at : found)
    EXPECT_LT(at.value, 0x7ffff0000000U); // between them are less than 256 MiB
}

TEST(FreeSpace, GapsBetweenLibrariesAndNearestFirst) {
  std::vector<Mapping> maps{mapping(0x7f0000000000, 0x7f0000100000), mapping(0x7f0000110000, 0x7f0000200000),
                            mapping(0x7f0000208000, 0x7f0000300000)};
  RemoteRange near = maps[2].range;
  auto found = freeSpace(maps, near, 0x2000, kReach);
  checkAll(found, maps, near, 0x2000);
  ASSERT_GE(found.size(), 3U);
  EXPECT_EQ(found[0].value, 0x7f0000208000U - 0x1000 - 0x2000);
  EXPECT_EQ(found[1].value, 0x7f0000110000U - 0x1000 - 0x2000);
}

TEST(FreeSpace, NothingWhereNothingIs) {
  std::vector<Mapping> full{mapping(0x1000, 0x7ffffffff000)};
  EXPECT_TRUE(freeSpace(full, {{0x400000}, {0x401000}}, 0x1000, kReach).empty());
  EXPECT_TRUE(freeSpace({}, {{0x400000}, {0x401000}}, 0, kReach).empty());
  EXPECT_TRUE(freeSpace({}, {{0x40000000}, {0x40001000}}, uint64_t{3} << 30, kReach).empty()); // larger than the reach
  EXPECT_TRUE(freeSpace({}, {{0x400000}, {0x401000}}, UINT64_MAX, kReach).empty());
  EXPECT_TRUE(freeSpace({}, {{0x10000}, {0x7ffff0000000}}, 0x1000, kReach).empty()); // no place is near all of that
  EXPECT_FALSE(freeSpace({}, {{0x40000000}, {0x40001000}}, uint64_t{1} << 30, kReach).empty());
}

TEST(FreeSpace, AtTheEdgesOfTheAddressSpace) {
  std::vector<Mapping> maps{mapping(0x7fffffffe000, 0x7ffffffff000, "[stack]", true),
                            mapping(0xffffffffff600000, 0xffffffffff601000, "[vsyscall]")};
  checkAll(freeSpace(maps, maps[0].range, 0x1000, kReach), maps, maps[0].range, 0x1000);
  EXPECT_TRUE(freeSpace(maps, maps[1].range, 0x1000, kReach).empty());
}

} // namespace
} // namespace lpc::runtime
