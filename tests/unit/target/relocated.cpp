// Which bytes the dynamic linker changes, compared with what readelf shows.
#include <set>
#include <sstream>

#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

// The offsets of `readelf -rW`: "000000003db8  000000000008 R_X86_64_RELATIVE …", and for RELR, bare addresses.
std::set<uint64_t> readelfOffsets(const std::string &path) {
  std::set<uint64_t> offsets;
  std::istringstream lines(run({"readelf", "-rW", path}).out);
  std::string line, first;
  bool relr = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("Relocation section")) relr = line.find("relr") != std::string::npos;
    std::istringstream words(line);
    size_t read = 0;
    if (!(words >> first) || first.size() < 12) continue;
    if (!relr && line.find("R_X86_64_") == std::string::npos) continue;
    uint64_t offset = 0;
    try {
      offset = std::stoull(first, &read, 16);
    } catch (const std::exception &) {
      continue;
    }
    if (read == first.size()) offsets.insert(offset);
  }
  return offsets;
}

class Relocated : public testing::TestWithParam<std::string> {};

TEST_P(Relocated, AgreesWithReadelf) {
  auto file = openElf(GetParam());
  ASSERT_TRUE(file);
  std::set<uint64_t> offsets = readelfOffsets(GetParam());
  ASSERT_FALSE(offsets.empty());
  for (uint64_t offset : offsets) {
    ASSERT_TRUE(file->isRelocated({offset}, 1)) << hexAddress(offset);
    ASSERT_TRUE(file->isRelocated({offset + 7}, 1)) << hexAddress(offset);
    ASSERT_TRUE(file->isRelocated({offset - 3}, 4)) << hexAddress(offset);
    ASSERT_FALSE(file->isRelocated({offset}, 0));
    if (!offsets.contains(offset - 8)) {
      ASSERT_FALSE(file->isRelocated({offset - 8}, 8)) << hexAddress(offset);
    }
  }
  // Every word of the writable segments, so that none too much is said to be relocated.
  size_t relocated = 0;
  for (const Segment &segment : file->segments())
    for (uint64_t at = (segment.address.value + 7) & ~uint64_t{7};
         segment.writable && at + 8 <= segment.address.value + segment.fileSize; at += 8) {
      ASSERT_EQ(file->isRelocated({at}, 8), offsets.contains(at)) << hexAddress(at);
      relocated += offsets.contains(at);
    }
  EXPECT_GT(relocated, 0U);
}
INSTANTIATE_TEST_SUITE_P(Files, Relocated,
                         testing::Values(madeFile("shapes_pie"), madeFile("shapes_relr"), madeFile("shapes_stripped"),
                                         "/lib/x86_64-linux-gnu/libm.so.6",
                                         "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"));

TEST(Relocations, PointersOfAPie) {
  for (const char *name : {"shapes_pie", "shapes_relr"}) {
    auto file = openMade(name);
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->isRelocated(only(*file, "pointer").address, 8)) << name;
    EXPECT_TRUE(file->isRelocated(only(*file, "table").address + 24, 8)) << name;
    EXPECT_FALSE(file->isRelocated(only(*file, "global_value").address, 4)) << name;
    EXPECT_FALSE(file->isRelocated(only(*file, "twice").address, 16)) << name;
  }
}

TEST(Relocations, ProgramsWithoutPieHaveOnlyCopies) {
  auto file = openMade("shapes_nopie");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->isRelocated(only(*file, "pointer").address, 8));
  // Static programs relocate the slots of their IFUNCs themselves.
  auto fixed = openMade("shapes_static");
  ASSERT_TRUE(fixed);
  std::set<uint64_t> offsets = readelfOffsets(madeFile("shapes_static"));
  ASSERT_FALSE(offsets.empty());
  for (uint64_t offset : offsets)
    EXPECT_TRUE(fixed->isRelocated({offset}, 8));
}

} // namespace
} // namespace lpc::target
