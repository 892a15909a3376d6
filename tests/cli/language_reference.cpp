// Every example of the language reference is a patch that is right.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

// The blocks that are fenced as `lp`.
std::vector<std::string> examples() {
  std::ifstream file(LPC_SOURCE_DIR "/docs/language.md");
  std::vector<std::string> found;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```lp") {
      found.emplace_back();
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      found.back() += line + "\n";
    }
  }
  return found;
}

TEST(LanguageReference, HasExamplesThatAreRight) {
  std::vector<std::string> all = examples();
  EXPECT_GE(all.size(), 3U);
  for (const std::string &example : all) {
    RunResult result = run({"/usr/bin/env", "-C", LPC_CHECK_WORK, LPC_COMMAND, "check", "-"}, example);
    EXPECT_EQ(result.status, 0) << example << result.err;
    EXPECT_EQ(result.err, "") << example;
  }
}

} // namespace
} // namespace lpc::test
