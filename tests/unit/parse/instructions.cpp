// ir/instructions.def and the grammar speak of the same instructions.
#include <gtest/gtest.h>

#include "parse_helpers.h"

namespace lpc {
namespace {

TEST(Instructions, EachOneOfTheTableIsInTheGrammar) {
  for (std::string keyword : {
#define LPC_INSTRUCTION(keyword, operands, what) keyword,
#include "ir/instructions.def"
#undef LPC_INSTRUCTION
       }) {
    auto parsed = test::parseText(keyword);
    ASSERT_EQ(parsed.diagnostics.size(), 1U) << keyword;
    EXPECT_EQ(parsed.diagnostics[0].id, DiagnosticId::SyntaxError) << keyword;
    EXPECT_THAT(parsed.diagnostics[0].message, testing::HasSubstr("but the line ends"));
    EXPECT_THAT(parsed.diagnostics[0].help, testing::HasSubstr("write `" + keyword + " "));
  }
}

} // namespace
} // namespace lpc
