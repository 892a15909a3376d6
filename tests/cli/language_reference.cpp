// Every example of the language reference is a patch that is right, and every instruction has a section with one.
#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "ir/instructions.h"
#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

TEST(LanguageReference, HasExamplesThatAreRight) {
  for (const auto &[heading, example] : languageExamples()) {
    RunResult result = run({"/usr/bin/env", "-C", LPC_CHECK_WORK, LPC_COMMAND, "check", "-"}, example);
    EXPECT_EQ(result.status, 0) << heading << "\n" << example << result.err;
    EXPECT_EQ(result.err, "") << heading << "\n" << example;
  }
}

// Those that stand below the instruction's own heading have a line of it.
TEST(LanguageReference, HasASectionForEveryInstruction) {
  auto all = languageExamples();
  for (const ir::InstructionInfo &instruction : ir::allInstructions()) {
    std::string keyword(instruction.keyword), below;
    for (const auto &[heading, example] : all)
      if (heading == keyword) below += "\n" + example;
    EXPECT_THAT(below, testing::HasSubstr("\n" + keyword + " ")) << "docs/language.md has no example of " << keyword;
  }
}

TEST(LanguageReference, HasAnExampleOfEveryTypeOfValue) {
  std::string all;
  for (const auto &[heading, example] : languageExamples())
    if (heading == "Values") all += example;
  for (const char *type : {"int", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "str", "text",
                           "cstr", "hex", "addr"})
    EXPECT_THAT(all, testing::ContainsRegex("set [^ ]+ " + std::string(type) + " ")) << type;
}

} // namespace
} // namespace lpc::test
