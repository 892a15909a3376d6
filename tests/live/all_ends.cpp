// --all that comes to an end before its work does: by Ctrl-C, and by the death of a worker. And what a terminal shows
// of it.
#include <sys/wait.h>

#include "tests/support/many.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class AllEnds : public Many {
protected:
  static std::vector<pid_t> childrenOf(pid_t pid) {
    std::istringstream text(run({"pgrep", "-P", std::to_string(pid)}).out);
    return {std::istream_iterator<pid_t>(text), {}};
  }
  static std::string rest(Child &child) {
    std::string out;
    while (auto line = child.line(std::chrono::seconds(60)))
      out += *line + "\n";
    return out;
  }
  // As many processes as there can be at a time are waited for, and more are not begun with.
  static constexpr int kServers = 70, kAtOnce = 64;
};

TEST_F(AllEnds, ASignalEndsTheWaiting) {
  start(kServers - 1);
  for (int i = 0; i < kServers; i++)
    ASSERT_EQ(ask(i, 'h'), "y");
  Child apply(command({"apply", "fix.lp", "--all", "--timeout", "100s"}));
  ASSERT_TRUE(comes([&] { return childrenOf(apply.pid()).size() == kAtOnce; }));
  apply.signal(SIGINT);
  std::string out = rest(apply);
  EXPECT_EQ(apply.wait(), 3) << out;
  auto rows = tableOf(out);
  EXPECT_EQ(countOf(rows, "busy"), static_cast<size_t>(kAtOnce)) << out;
  EXPECT_EQ(countOf(rows, "not-applied"), static_cast<size_t>(kServers - kAtOnce)) << out;
  EXPECT_THAT(out, HasSubstr("[cancelled]"));
  EXPECT_THAT(out, HasSubstr("70 processes: "));
  EXPECT_THAT(out, HasSubstr("; ended early\n"));
  for (int i = 0; i < kServers; i++) {
    EXPECT_EQ(ask(i, 'a'), "1");
    EXPECT_EQ(stateOf(pidOf(i)).tracer, 0);
  }
}

TEST_F(AllEnds, AWorkerThatDiesTakesNobodyWithIt) {
  start(3);
  ASSERT_EQ(ask(2, 'h'), "y");
  Child apply(command({"apply", "fix.lp", "--all", "--timeout", "100s"}));
  for (int i : {0, 1, 3})
    ASSERT_TRUE(comes([&] { return ask(i, 'a') == "2"; }));
  std::vector<pid_t> workers;
  ASSERT_TRUE(comes([&] { return (workers = childrenOf(apply.pid())).size() == 1; }));
  kill(workers.front(), SIGKILL);
  std::string out = rest(apply);
  EXPECT_EQ(apply.wait(), 5) << out;
  auto rows = tableOf(out);
  EXPECT_EQ(countOf(rows, "applied"), 3U) << out;
  EXPECT_EQ(rows[pidOf(2)].result, "uncertain") << out;
  EXPECT_THAT(rows[pidOf(2)].reason, HasSubstr("was ended by signal 9 [worker-lost]"));
  EXPECT_EQ(ask(2, 'a'), "1");
  RunResult again = lpc({"apply", "fix.lp", "--all", "--allow-active", "answer"}); // puts it in order first
  EXPECT_EQ(again.status, 0) << again.out << again.err;
  EXPECT_EQ(ask(2, 'a'), "2");
}

TEST_F(AllEnds, ATerminalShowsHowFarItIs) {
  start(3);
  ASSERT_EQ(ask(2, 'h'), "y");
  std::string line = std::string(LPC_COMMAND) + " apply fix.lp --all --timeout 2s";
  RunResult shown = run({"env", "TERM=xterm", "script", "-qec", line, "/dev/null"});
  EXPECT_EQ(shown.status, 3);
  EXPECT_THAT(shown.out, HasSubstr("\rlpc apply: "));
  EXPECT_THAT(shown.out, HasSubstr(" done, 1 at work, on " + std::to_string(pidOf(2)) + " for 1 s\x1b[K"));
  EXPECT_THAT(shown.out, HasSubstr("\r\x1b[K")); // and it is taken away
  RunResult piped = lpc({"revert", name_, "--all"});
  EXPECT_EQ(countOf(tableOf(piped.out), "reverted"), 3U) << piped.out << piped.err;
  EXPECT_THAT(piped.out + piped.err, Not(HasSubstr("\r")));
}

} // namespace
} // namespace lpc::test
