// Comparison of patches by value.
#include "ir/patch.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "ir/instructions.h"
#include "patches.h"

namespace lpc::ir {
namespace {

Address chain(unsigned depth, uint64_t base, int64_t addend = 0) {
  Address out{Absolute{{base}}};
  for (; depth > 0; depth--)
    out = Address{Loaded{std::make_shared<const Address>(std::move(out)), addend}};
  return out;
}

TEST(Patch, comparesLoadedAddressesByWhatTheyPointTo) {
  EXPECT_EQ(chain(3, 16), chain(3, 16));
  EXPECT_NE(chain(3, 16), chain(3, 17));
  EXPECT_NE(chain(3, 16), chain(2, 16));
  EXPECT_NE(chain(3, 16), chain(3, 16, 8));
  EXPECT_NE(chain(1, 16), chain(0, 16));
  EXPECT_EQ(Address{Loaded{}}, Address{Loaded{}});
  EXPECT_NE(Address{Loaded{}}, chain(1, 16));
}

TEST(Patch, comparesDeepAddressesWithoutRecursion) { EXPECT_EQ(chain(5000, 16), chain(5000, 16)); }

TEST(Patch, isCopiedByValue) {
  Patch patch = test::samplePatch(), copy = patch;
  EXPECT_EQ(patch, copy);
  EXPECT_EQ(test::samplePatch(), test::samplePatch()); // nothing shared between the two
  std::get<Write>(copy.operations[5].action).at = chain(2, 16);
  EXPECT_NE(patch, copy);
}

TEST(Instructions, areFoundByTheirKeyword) {
  const InstructionInfo *jmp = instructionNamed("jmp");
  ASSERT_NE(jmp, nullptr);
  EXPECT_EQ(jmp->operands, "ADDR1 ADDR2");
  EXPECT_EQ(instructionNamed("JMP"), nullptr);
  EXPECT_EQ(instructionNamed(""), nullptr);
  EXPECT_EQ(instructionNamed("jm"), nullptr);
}

TEST(Instructions, areListedOnce) {
  std::vector<std::string> keywords = instructionKeywords();
  EXPECT_EQ(keywords.size(), allInstructions().size());
  for (const InstructionInfo &row : allInstructions())
    EXPECT_EQ(std::ranges::count(keywords, std::string(row.keyword)), 1) << row.keyword;
}

} // namespace
} // namespace lpc::ir
