// --all on many processes of one program, under load: the table says what became of each, and it is true.
#include <atomic>
#include <thread>

#include "tests/support/many.h"

namespace lpc::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class All : public Many {};

TEST_F(All, TwoHundredServersUnderLoad) {
  constexpr int kServers = 200;
  start(kServers - 1);
  std::atomic<bool> over{false};
  std::atomic<long> requests{0}, failed{0};
  std::vector<std::thread> load;
  for (int first = 0; first < 2; first++)
    load.emplace_back([&, first] {
      for (int i = first; !over; i = (i + 2) % kServers) {
        std::string said = ask(i, 'a');
        requests++;
        if (said != "1" && said != "2") failed++;
      }
    });
  ASSERT_TRUE(comes([&] { return requests > kServers; }));
  RunResult applied = lpc({"apply", "fix.lp", "--all"});
  std::string all;
  for (int i = 0; i < kServers; i++)
    all += ask(i, 'a');
  RunResult again = lpc({"apply", "fix.lp", "--all"});
  RunResult reverted = lpc({"revert", name_, "--all", "--format", "json"});
  over = true;
  for (std::thread &thread : load)
    thread.join();

  EXPECT_EQ(applied.status, 0) << applied.err;
  auto rows = tableOf(applied.out);
  EXPECT_EQ(countOf(rows, "applied"), static_cast<size_t>(kServers)) << applied.out << applied.err;
  for (int i = 0; i < kServers; i++) {
    auto row = rows.find(pidOf(i));
    ASSERT_NE(row, rows.end()) << i;
    EXPECT_EQ(row->second.program, folder_.path() + "/server");
    EXPECT_THAT(row->second.pause, ContainsRegex("^[0-9.]+ (us|ms)$"));
    EXPECT_EQ(row->second.reason, "");
  }
  EXPECT_THAT(applied.out, HasSubstr("\n200 processes: 200 applied"));
  EXPECT_EQ(all, std::string(kServers, '2'));
  EXPECT_EQ(countOf(tableOf(again.out), "already-applied"), static_cast<size_t>(kServers)) << again.out << again.err;

  EXPECT_THAT(reverted.out, HasSubstr(R"("schema": "lpc.revert/1")"));
  size_t count = 0;
  for (size_t at = 0; (at = reverted.out.find("\"result\": \"reverted\"", at)) != std::string::npos; at++)
    count++;
  EXPECT_EQ(count, static_cast<size_t>(kServers)) << reverted.err; // others' processes may be refused
  EXPECT_EQ(failed, 0) << "of " << requests;
  EXPECT_EQ(ask(0, 'a') + ask(kServers - 1, 'a'), "11");
}

// Two have a thread that never leaves the function; one of them is killed while lpc waits for it.
TEST_F(All, SomeAreBusyAndSomeAreKilled) {
  start(9);
  pid_t busy = pidOf(3), killed = pidOf(7);
  ASSERT_EQ(ask(3, 'h') + ask(7, 'h'), "yy");
  Child apply(command({"apply", "fix.lp", "--all", "--timeout", "4s"}));
  for (int i : {0, 1, 2, 4, 5, 6, 8, 9}) // done, while lpc waits for the others
    EXPECT_TRUE(comes([&] { return ask(i, 'a') == "2"; })) << i;
  kill(killed, SIGKILL);
  std::string out;
  while (auto line = apply.line(std::chrono::seconds(60)))
    out += *line + "\n";
  EXPECT_EQ(apply.wait(), 3) << out;

  auto rows = tableOf(out);
  EXPECT_EQ(rows.size(), 10U) << out;
  EXPECT_EQ(countOf(rows, "applied"), 8U) << out;
  EXPECT_EQ(rows[busy].result, "busy") << out;
  EXPECT_THAT(rows[busy].reason, ContainsRegex("thread [0-9]+ \\(server\\) of process [0-9]+ is [0-9]+ frames? inside "
                                               "`answer` \\[process-busy\\]|executes `answer`"));
  EXPECT_EQ(rows[killed].result, "gone") << out;
  EXPECT_THAT(rows[killed].reason, HasSubstr("[process-gone]"));
  EXPECT_THAT(out, HasSubstr("10 processes: 8 applied, 1 busy, 1 gone"));
  EXPECT_EQ(ask(3, 'a'), "1");
}

// A child that an unpatched process forks after it was looked at has no patch, and is found by a later look.
TEST_F(All, ThoseForkedMeanwhileAreDone) {
  start(2);
  ASSERT_EQ(ask(2, 'h'), "y");
  Child apply(command({"apply", "fix.lp", "--all", "--timeout", "4s", "--format", "json"}));
  EXPECT_TRUE(comes([&] { return ask(0, 'a') == "2" && ask(1, 'a') == "2"; }));
  std::string before = run({"pgrep", "-P", std::to_string(pidOf(2))}).out;
  EXPECT_EQ(before, "");
  ASSERT_EQ(ask(2, 'f'), "y"); // its parent is busy all the time
  ASSERT_EQ(ask(1, 'f'), "y"); // its parent has the patch
  pid_t unpatched = std::stoi(run({"pgrep", "-P", std::to_string(pidOf(2))}).out);
  pid_t born = std::stoi(run({"pgrep", "-P", std::to_string(pidOf(1))}).out);
  EXPECT_EQ(ask(born, 'a'), "2");
  std::string out;
  while (auto line = apply.line(std::chrono::seconds(60)))
    out += *line + "\n";
  EXPECT_EQ(apply.wait(), 3) << out;
  EXPECT_EQ(ask(unpatched, 'a'), "2") << out;
  EXPECT_THAT(out, ContainsRegex("\"pid\": " + std::to_string(unpatched) + ",\n *\"result\": \"applied\""));
  EXPECT_THAT(out, ContainsRegex("\"pid\": " + std::to_string(born) + ",\n *\"result\": \"already-applied\""));
  EXPECT_THAT(out, ContainsRegex("\"pid\": " + std::to_string(pidOf(2)) + ",\n *\"result\": \"busy\""));
  EXPECT_THAT(out, HasSubstr(R"("cancelled": false)"));
  EXPECT_THAT(out, ContainsRegex("\"status\": 3\n}\n$"));
}

} // namespace
} // namespace lpc::test
