// Threads that spin in real time on the only processor that lpc may use: what lpc gets of it is the little that the
// kernel keeps for others, and still nobody is held for long. (With a lower priority than theirs in the stop, lpc did
// not come back before they ended, and their process stood for as long.)
#include <gmock/gmock.h>

#include <regex>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

TEST(RealtimeTarget, SpinsOnTheOnlyProcessor) {
  WorkFolder folder;
  folder.write("realtime.lp", "patch realtime\nset number int 6\nset other int 6\n");
  Child child({kBinaries + "/target_realtime_pie"});
  std::string ready = child.line().value_or("");
  if (ready == "unsupported") GTEST_SKIP() << "no real time here, or one processor";
  ASSERT_TRUE(ready.starts_with("ready ")) << ready;
  auto here = [&](const std::vector<std::string> &words) {
    std::vector<std::string> all{"taskset", "-c", ready.substr(6), LPC_COMMAND};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"--format", "json", "--timeout", "20s", "--pid", std::to_string(child.pid())});
    return run(all);
  };
  RunResult done = here({"apply", "realtime.lp"});
  ASSERT_EQ(done.status, 0) << done.out << done.err;
  std::smatch window;
  ASSERT_TRUE(std::regex_search(done.out, window, std::regex("\"window_us\": *([0-9.]+)"))) << done.out;
  EXPECT_LT(std::stod(window[1]), 1e6); // 20 s without
  child.send("\n");
  EXPECT_EQ(child.line(), "number 6");
}

} // namespace
} // namespace lpc::test
