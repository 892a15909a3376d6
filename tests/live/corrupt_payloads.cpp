// Payloads with wrong bytes: whatever lpc makes of one, a payload that it refuses has not changed the process.
#include <random>
#include <sstream>

#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

class CorruptPayloads : public Linkage, public testing::WithParamInterface<std::string> {
protected:
  static std::string contentOf(const std::string &file) {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
  }
  // Some bytes, or the end, are not what they were. Headers and tables more often than the rest.
  static std::string mutated(std::string content, std::mt19937 &random) {
    auto below = [&](size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); };
    if (below(10) == 0) return content.substr(0, below(content.size()));
    constexpr unsigned char kTelling[] = {0, 1, 0x7f, 0x80, 0xff};
    for (size_t i = 0, many = 1 + below(4); i < many; i++) {
      size_t at = below(3) ? below(std::min<size_t>(content.size(), 1024)) : below(content.size());
      content[at] = static_cast<char>(below(2) ? kTelling[below(std::size(kTelling))] : below(256));
    }
    return content;
  }
};

TEST_P(CorruptPayloads, NeverChangeTheProcess) {
  buildPayloads();
  folder_.write("program.c", kLinkageProgram);
  ASSERT_TRUE(compile({"gcc", "-O2", "-g", "-o", "program", "program.c"})) << why_;
  start({"./program"});
  ASSERT_EQ(ask(), kLinkageBefore);
  const std::string whole = contentOf("payload." + GetParam());
  const ProcessState before = stateOf(child_->pid());
  std::mt19937 random(5489); // the same mutations each time
  folder_.write("fix.lp", "target program\ndl p mutated\njmp handle $p:fix\nset greeting addr $p:text\n");
  int refused = 0;
  constexpr int kRounds = 150;
  for (int round = 0; round < kRounds; round++) {
    folder_.write("mutated", mutated(whole, random));
    // With a jump there could be wrong code in a payload that is right as ELF: that must not run here.
    RunResult done = apply({"--dry-run"});
    SCOPED_TRACE("round " + std::to_string(round) + ": " + done.out + done.err);
    ASSERT_TRUE(done.status == 0 || done.status == 1 || done.status == 3) << done.status;
    refused += done.status != 0;
    if (done.status == 0) continue;
    done = apply();
    ASSERT_TRUE(done.status == 1 || done.status == 3) << done.status;
    ASSERT_THAT(done.err, testing::HasSubstr("nothing was changed"));
    ASSERT_EQ(ask(), kLinkageBefore);
    ASSERT_EQ(stateOf(child_->pid()), before);
  }
  EXPECT_GT(refused, kRounds / 4);
}

INSTANTIATE_TEST_SUITE_P(Live, CorruptPayloads, testing::Values("so", "o"),
                         [](const auto &test) { return test.param; });

} // namespace
} // namespace lpc::test
