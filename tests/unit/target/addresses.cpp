// Symbols by address, from a scan and from the index.
#include <random>

#include "files.h"
#include "frontend/target/address_index.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

TEST(Addresses, SmallestRangeThatHoldsTheAddress) {
  auto file = openMade("small");
  ASSERT_TRUE(file);
  Symbol helper = file->symbolAt({0x401005}).value();
  EXPECT_EQ(helper.name, "helper");
  EXPECT_EQ(helper.sourceFile, "second.c");
  EXPECT_EQ(file->symbolAt({0x401008}).value().name, "helper"); // a label inside of it
  EXPECT_EQ(file->symbolAt({0x402000}).value().name, "value");
  EXPECT_EQ(file->symbolAt({0x402004}).value().name, "outer");
  EXPECT_EQ(file->symbolAt({0x402027}).value().name, "zeros");
  EXPECT_EQ(file->symbolAt({0x401002}), std::nullopt); // padding
  EXPECT_EQ(file->symbolAt({0x402028}), std::nullopt);
  EXPECT_EQ(file->symbolAt({0x77}), std::nullopt); // an absolute symbol stands nowhere
}

TEST(Addresses, FunctionsWithoutSizeReachToTheNextSymbol) {
  auto file = openMade("shapes_pie");
  ASSERT_TRUE(file);
  Symbol unsized = only(*file, "unsized"), after = only(*file, "after_unsized");
  Symbol there = file->symbolAt(unsized.address + 4).value();
  EXPECT_EQ(there.name, "unsized");
  EXPECT_EQ(there.size, 5U);
  EXPECT_EQ(file->nextSymbol(unsized.address), after.address);
  EXPECT_EQ(file->symbolAt(after.address).value().name, "after_unsized");
}

TEST(Addresses, NextSymbolEndsWithItsSection) {
  auto file = openMade("small");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->nextSymbol({0x401000}).value, 0x401004U);
  EXPECT_EQ(file->nextSymbol({0x401004}).value, 0x401008U);
  EXPECT_EQ(file->nextSymbol({0x401010}).value, 0x401011U); // the end of .text
  EXPECT_EQ(file->nextSymbol({0x400118}).value, 0x40011eU); // no symbols in .rodata
  EXPECT_EQ(file->nextSymbol({0x500000}).value, 0x500000U); // nothing is there
}

TEST(Addresses, WithoutSectionHeaders) {
  auto whole = openMade("shapes_pie");
  auto headless = ElfFile::fromBytes(withoutSectionHeaders(readAll(madeFile("shapes_stripped"))), "headless");
  ASSERT_TRUE(whole && headless);
  Symbol twice = only(*whole, "twice");
  EXPECT_EQ((*headless)->symbolAt(twice.address + 1).value().address, twice.address);
  EXPECT_EQ((*headless)->sectionAt(twice.address), nullptr);
  EXPECT_TRUE((*headless)->segmentAt(twice.address)->executable);
}

bool sameSymbols(std::vector<IndexedSymbol> a, std::vector<IndexedSymbol> b) {
  auto key = [](const IndexedSymbol &s) { return std::tuple(s.address, s.size, s.source, s.symbol); };
  std::ranges::sort(a, {}, key);
  std::ranges::sort(b, {}, key);
  return std::ranges::equal(a, b, {}, key, key);
}

// The index must say what a scan says, which is simple enough to be right.
TEST(Addresses, IndexAgreesWithScan) {
  auto contents = FileContents::map(ownProgram(), "tests");
  ASSERT_TRUE(contents);
  auto image = readElfImage(contents->view(), "tests");
  ASSERT_TRUE(image && image->symtab && image->dynsym);
  std::vector<SymbolSource> sources{{&*image->symtab, &*contents}, {&*image->dynsym, &*contents}};
  // A good guess of the range, none, and a wrong one: results never depend on it.
  uint64_t begin = image->segments.front().address.value;
  uint64_t end = image->segments.back().address.value + image->segments.back().memorySize;
  std::mt19937_64 random(7);
  for (auto [lowest, highest] :
       {std::pair(begin, end), std::pair(uint64_t{0}, uint64_t{0}), std::pair(end, UINT64_MAX)}) {
    AddressIndex index(sources, false, lowest, highest);
    for (unsigned i = 0; i < 200; i++) {
      uint64_t address = begin - 0x100 + random() % (end - begin + 0x200);
      if (i % 4 == 0) address = entryAt(*image->symtab, random() % image->symtab->count()).value;
      Surroundings scanned = scanAround(sources, false, address), indexed = index.around(address);
      ASSERT_EQ(indexed.next, scanned.next) << address;
      ASSERT_TRUE(sameSymbols(indexed.before, scanned.before)) << address;
      ASSERT_TRUE(sameSymbols(indexed.holding, scanned.holding)) << address;
    }
  }
}

TEST(Addresses, ManyQuestionsGetTheSameAnswers) {
  auto file = openElf(ownProgram());
  ASSERT_TRUE(file);
  std::vector<Symbol> answers;
  for (int round = 0; round < 12; round++) { // from scans to the index
    auto symbol = file->symbolAt(only(*file, "main").address + 1);
    ASSERT_TRUE(symbol);
    answers.push_back(*symbol);
  }
  EXPECT_THAT(answers, testing::Each(answers.front()));
  EXPECT_EQ(answers.front().name, "main");
}

} // namespace
} // namespace lpc::target
