// DWARF that lies. Whatever it says, questions are answered, in bounds and in bounded time.
#include <random>

#include "exercise_debug.h"
#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

class HostileDwarf : public testing::TestWithParam<const char *> {
protected:
  // The symbols that are asked for, of the file as it is.
  [[nodiscard]] static std::vector<Symbol> symbolsOf(const ElfFile &file) {
    std::vector<Symbol> symbols;
    for (auto &found : file.find({"handle", "weigh", "twice", "scaled", "Server::accept", "shop::limit", "shop::last",
                                  "shop::first", "keepTwice"}))
      symbols.insert(symbols.end(), found.begin(), found.end());
    return symbols;
  }
};

TEST_P(HostileDwarf, ChangedBytes) {
  if (!std::filesystem::exists(madeFile(GetParam()))) GTEST_SKIP() << "dwz is not installed";
  const Bytes whole = readAll(madeFile(GetParam()));
  auto file = openElf(madeFile(GetParam()));
  ASSERT_NE(file, nullptr);
  const auto symbols = symbolsOf(*file);
  ASSERT_FALSE(symbols.empty());
  // The debug sections are what lies behind the loaded ones.
  uint64_t begin = 0;
  for (const Segment &segment : file->segments())
    begin = std::max(begin, segment.offset.value + segment.fileSize);
  ASSERT_LT(begin, whole.size());
  std::mt19937_64 random(20261123);
  for (unsigned round = 0; round < 600; round++) {
    Bytes bad = whole;
    for (unsigned changes = 1 + static_cast<unsigned>(random() % 6); changes > 0; changes--) {
      uint64_t at = begin + random() % (bad.size() - begin);
      constexpr std::array<uint8_t, 8> kExtremes = {0, 1, 0x7f, 0x80, 0xfe, 0xff, 0x0b, 0x21};
      bad[at] = random() % 2 == 0 ? kExtremes[random() % kExtremes.size()] : static_cast<uint8_t>(random());
    }
    // With the files beside it: the split parts, and dwz's common file.
    if (auto debug = DebugInfo::of(bad, madeFile(GetParam()))) exerciseDebugInfo(*debug, symbols);
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, HostileDwarf,
                         testing::Values("typed_v4", "typed_v5", "typed_types4", "typed_types5", "typed_wide",
                                         "typed_lto", "typed_one.o", "typed_split5", "typed_dwz5", "typed_dwz_common5"),
                         [](const auto &test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

} // namespace
} // namespace lpc::target
