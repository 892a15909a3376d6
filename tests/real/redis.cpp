// redis-server of Debian (PIE, stripped, exported symbols), a command replaced and a global set while redis-benchmark
// runs.
#include <gmock/gmock.h>

#include "tests/real/server.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Redis : public testing::Test {
protected:
  void SetUp() override {
    for (const char *program : {"redis-server", "redis-cli", "redis-benchmark"})
      if (!installed(program)) GTEST_SKIP() << "package of `" << program << "` is not installed";
    port_ = freePort();
    server_.emplace(std::vector<std::string>{"redis-server", "--port", text(port_), "--bind", "127.0.0.1", "--save", "",
                                             "--appendonly", "no"});
    ASSERT_TRUE(answers(port_));
    ASSERT_EQ(cli({"ping"}), "PONG\n"); // all its threads are there when it answers
    before_ = stateOf(server_->pid());
    folder_.write("ping.lp", "patch ping version \"1\"\n"
                             "target /usr/bin/redis-server\n"
                             "dl  p " LPC_TEST_BINARY_DIR "/redis_ping.so\n"
                             "jmp pingCommand $p:pingPatched\n"
                             "set TrackingTableTotalItems u64 4711 was 0\n");
  }
  static std::string text(int number) { return std::to_string(number); }
  [[nodiscard]] std::string cli(const std::vector<std::string> &words) const {
    std::vector<std::string> all = {"redis-cli", "-p", text(port_)};
    all.insert(all.end(), words.begin(), words.end());
    return run(all).out;
  }
  // The load: it ends with status 0 only when every request was answered.
  [[nodiscard]] Child load() const {
    return Child({"redis-benchmark", "-p", text(port_), "-c", "20", "-n", "150000", "-t", "ping,set,get", "-q"});
  }
  [[nodiscard]] RunResult onServer(const std::string &command, const std::string &what) const {
    return lpc({command, what, "--pid", text(server_->pid())});
  }

  int port_ = 0;
  WorkFolder folder_;
  std::optional<Child> server_;
  ProcessState before_;
};

TEST_F(Redis, CommandReplacedUnderLoad) {
  ASSERT_EQ(lpc({"check", "ping.lp"}).status, 0);
  EXPECT_EQ(cli({"ping"}), "PONG\n");
  Child benchmark = load();
  ASSERT_TRUE(benchmark.line(std::chrono::seconds(60)).has_value()); // it runs

  RunResult done = onServer("apply", "ping.lp");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(cli({"ping"}), "PATCHED\n");
  EXPECT_THAT(cli({"info", "stats"}), HasSubstr("tracking_total_items:4711"));

  EXPECT_EQ(benchmark.wait(std::chrono::seconds(120)), 0);
  done = onServer("revert", "ping");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(cli({"ping"}), "PONG\n");
  EXPECT_THAT(cli({"info", "stats"}), HasSubstr("tracking_total_items:0"));

  EXPECT_TRUE(server_->alive());
  EXPECT_EQ(stateOf(server_->pid()).threads, before_.threads);
  EXPECT_EQ(stateOf(server_->pid()).tracer, 0);
}

TEST_F(Redis, AppliedAndRevertedAgainAndAgainUnderLoad) {
  Child benchmark = load();
  ASSERT_TRUE(benchmark.line(std::chrono::seconds(60)).has_value());
  int rounds = 0;
  for (; benchmark.alive(); rounds++) {
    RunResult done = onServer("apply", "ping.lp");
    ASSERT_EQ(done.status, 0) << done.err;
    done = onServer("revert", "ping");
    ASSERT_EQ(done.status, 0) << done.err;
  }
  EXPECT_GT(rounds, 0);
  EXPECT_EQ(benchmark.wait(std::chrono::seconds(1)), 0);
  EXPECT_EQ(cli({"ping"}), "PONG\n");
  EXPECT_THAT(run({"grep", "-c", "livepatch", "/proc/" + text(server_->pid()) + "/maps"}).out, "0\n");
}

TEST_F(Redis, WrongNamesAreRefusedBeforeAnythingHappens) {
  folder_.write("wrong.lp", "target /usr/bin/redis-server\njmp pingComand echoCommand\n");
  RunResult done = lpc({"check", "wrong.lp"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("pingCommand"));
  EXPECT_THAT(cli({"ping"}), Not(HasSubstr("PATCHED")));
}

} // namespace
} // namespace lpc::test
