// What was seen on the way to names answers the questions behind them as a file does that saw nothing.
#include "frontend/target/neighbours.h"

#include <random>

#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

using Keys = std::vector<std::tuple<uint64_t, uint64_t, uint32_t, uint32_t>>;
Keys keysOf(const std::vector<IndexedSymbol> &symbols) {
  Keys out;
  for (const IndexedSymbol &s : symbols)
    out.emplace_back(s.address, s.size, s.source, s.symbol);
  std::ranges::sort(out);
  return out;
}

// A block is 1024 bytes: symbols that are far shorter, about as long, and far longer than the distance between them.
class Crowd : public testing::TestWithParam<std::pair<uint64_t, uint64_t>> {};

TEST_P(Crowd, NeighboursAgreeWithAScan) {
  const auto [span, longest] = GetParam();
  std::mt19937_64 random(11);
  constexpr uint64_t kBegin = 0x400000, kCount = 3000;
  Bytes entries(24);
  for (uint64_t i = 0; i < kCount; i++) {
    bool sized = random() % 8 != 0;
    appendLittle(entries, 1, 4);
    appendLittle(entries, 0x02, 1); // a local function
    appendLittle(entries, 0, 1);
    appendLittle(entries, random() % 16 == 0 ? 0xfff1 : 1, 2); // some are absolute
    appendLittle(entries, kBegin + random() % span, 8);
    appendLittle(entries, sized ? random() % longest : 0, 8);
  }
  SymbolTable table{.entries = entries, .strings = {"\0f", 3}, .is64 = true, .versions = {}};
  FileContents contents(Bytes{});
  std::vector<SymbolSource> sources{{&table, &contents}};
  std::vector<uint64_t> asked{0, 1023, UINT64_MAX};
  for (int i = 0; i < 40; i++)
    asked.push_back(kBegin - 2048 + random() % (span + 4096));
  Neighbours near(sources, false, asked);
  unsigned withNext = 0, withBefore = 0, holding = 0, away = 0;
  for (int i = 0; i < 2000; i++) {
    uint64_t address = i < 43 ? asked[static_cast<size_t>(i)] : kBegin + random() % span;
    auto found = near.around(address);
    if (!found) {
      ASSERT_GE(i, 43) << address; // those that were announced are always answered
      away++;
      continue;
    }
    Surroundings scanned = scanAround(sources, false, address);
    ASSERT_EQ(keysOf(found->holding), keysOf(scanned.holding)) << address;
    if (found->next) {
      ASSERT_EQ(found->next, scanned.next) << address;
    }
    if (!found->before.empty()) {
      ASSERT_EQ(keysOf(found->before), keysOf(scanned.before)) << address;
    }
    // What is left out is far away.
    bool nearerNext = !found->next && scanned.next && *scanned.next <= address + 1024;
    bool nearerBefore = found->before.empty() && !scanned.before.empty() && scanned.before[0].address + 1024 >= address;
    ASSERT_FALSE(nearerNext || nearerBefore) << address;
    withNext += found->next.has_value(), withBefore += !found->before.empty(), holding += !found->holding.empty();
  }
  EXPECT_GT(withNext, 3U);
  EXPECT_GT(withBefore, 3U);
  EXPECT_GT(holding, 10U);
  EXPECT_GT(away, 0U);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Crowd,
                         testing::Values(std::pair(uint64_t{1} << 16, uint64_t{64}),
                                         std::pair(uint64_t{1} << 22, uint64_t{4096}),
                                         std::pair(uint64_t{1} << 24, uint64_t{1} << 22)));

// A program of more symbols than are worth an index, with clones, source files, and functions without a size.
struct Large {
  std::shared_ptr<const ElfFile> file;
  std::vector<std::string> names;
};
Large makeLarge() {
  Large out;
  static Bytes bytes; // the same each time
  const auto name = [](size_t i) { return "function_" + std::to_string(i); };
  if (bytes.empty()) {
    Bytes strings{0}, symbols(24);
    auto add = [&](const std::string &text, unsigned info, uint64_t section, uint64_t address, uint64_t size) {
      appendLittle(symbols, strings.size(), 4);
      appendLittle(symbols, info, 1);
      appendLittle(symbols, 0, 1);
      appendLittle(symbols, section, 2);
      appendLittle(symbols, address, 8);
      appendLittle(symbols, size, 8);
      strings.insert(strings.end(), text.begin(), text.end());
      strings.push_back(0);
    };
    constexpr uint64_t kText = 0x400000;
    for (size_t i = 0; i < 30'000; i++) {
      const uint64_t at = kText + i * 64;
      if (i % 100 == 0) add("file" + std::to_string(i / 100) + ".c", 4, 0xfff1, 0, 0); // STT_FILE
      add(name(i), 2, 3, at, i % 7 == 0 ? 0 : 40);
      if (i % 50 == 0) add(name(i) + ".cold", 2, 3, at + 48, 8);
      if (i % 60 == 0) add(name(i) + ".isra.0.constprop.1", 2, 3, at + 56, 8);
    }
    auto append = [&](std::initializer_list<std::pair<uint64_t, unsigned>> numbers) {
      for (auto [value, width] : numbers)
        appendLittle(bytes, value, width);
    };
    bytes = fromHex("7f454c46020101000000000000000000").value();
    append({{2, 2},
            {62, 2},
            {1, 4},
            {0, 8},
            {64, 8},
            {120, 8},
            {0, 4},
            {64, 2},
            {56, 2},
            {1, 2},
            {64, 2},
            {3, 2},
            {0, 2}});
    append({{1, 4}, {5, 4}, {0, 8}, {kText, 8}, {0, 8}, {0, 8}, {uint64_t{64} * 30'001, 8}, {0x1000, 8}}); // PT_LOAD
    bytes.resize(120 + 64);
    uint64_t at = 120 + 3 * 64;
    auto section = [&](uint64_t type, uint64_t size, uint64_t info, uint64_t entry) {
      append({{0, 4}, {type, 4}, {0, 8}, {0, 8}, {at, 8}, {size, 8}, {2, 4}, {info, 4}, {8, 8}, {entry, 8}});
      at += size;
    };
    section(2, symbols.size(), symbols.size() / 24, 24); // .symtab, all local
    section(3, strings.size(), 0, 0);
    bytes.insert(bytes.end(), symbols.begin(), symbols.end());
    bytes.insert(bytes.end(), strings.begin(), strings.end());
  }
  auto file = ElfFile::fromBytes(bytes, "large");
  EXPECT_TRUE(file);
  if (file) out.file = *file;
  for (size_t i = 100; i < 30'000; i += 700) // with and without clones and sizes
    out.names.push_back(name(i));
  return out;
}

TEST(Seen, AnswersAreThoseOfAFileThatSawNothing) {
  Large knows = makeLarge(), sawNothing = makeLarge();
  ASSERT_TRUE(knows.file && sawNothing.file);
  auto symbols = knows.file->find(knows.names);
  size_t clones = 0;
  auto fresh = sawNothing.file->clonesOf(knows.names), seen = knows.file->clonesOf(knows.names);
  EXPECT_EQ(seen, fresh);
  for (const auto &each : fresh)
    clones += each.size();
  EXPECT_GT(clones, 10U);
  EXPECT_EQ(knows.file->clonesOf({"function_0", "nothing"}), sawNothing.file->clonesOf({"function_0", "nothing"}));
  for (const auto &found : symbols) {
    ASSERT_EQ(found.size(), 1U);
    const LinkAddress begin = found[0].address;
    EXPECT_FALSE(found[0].sourceFile.empty());
    for (uint64_t distance : {0U, 5U, 39U, 40U, 63U, 700U}) {
      EXPECT_EQ(knows.file->symbolAt(begin + distance), sawNothing.file->symbolAt(begin + distance)) << distance;
      EXPECT_EQ(knows.file->nextSymbol(begin + distance), sawNothing.file->nextSymbol(begin + distance)) << distance;
    }
  }
}

// The pass over the names leaves a list of source files behind; without a pass they are looked for backwards.
TEST(Seen, SourceFilesAreTheSame) {
  Large knows = makeLarge(), sawNothing = makeLarge();
  ASSERT_TRUE(knows.file && sawNothing.file);
  ASSERT_EQ(knows.file->find({"function_29999"})[0].at(0).sourceFile, "file299.c");
  for (size_t i = 0; i < 30'000; i += 997) {
    auto symbol = sawNothing.file->symbolAt(LinkAddress{0x400000 + i * 64});
    ASSERT_TRUE(symbol);
    EXPECT_EQ(symbol->sourceFile, "file" + std::to_string(i / 100) + ".c");
    EXPECT_EQ(knows.file->symbolAt(LinkAddress{0x400000 + i * 64}), symbol);
  }
}

} // namespace
} // namespace lpc::target
