// A command of redis-server replaced and a global set while redis-benchmark runs.
#include <gmock/gmock.h>

#include "tests/real/redis.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class RedisCommands : public Redis {
protected:
  void SetUp() override {
    Redis::SetUp();
    folder_.write("ping.lp", "patch ping version \"1\"\n"
                             "target /usr/bin/redis-server\n"
                             "dl  p " LPC_TEST_BINARY_DIR "/redis_ping.so\n"
                             "jmp pingCommand $p:pingPatched\n"
                             "set TrackingTableTotalItems u64 4711 was 0\n");
  }
};

TEST_F(RedisCommands, CommandReplacedUnderLoad) {
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

TEST_F(RedisCommands, AppliedAndRevertedAgainAndAgainUnderLoad) {
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

TEST_F(RedisCommands, WrongNamesAreRefusedBeforeAnythingHappens) {
  folder_.write("wrong.lp", "target /usr/bin/redis-server\njmp pingComand echoCommand\n");
  RunResult done = lpc({"check", "wrong.lp"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("pingCommand"));
  EXPECT_THAT(cli({"ping"}), Not(HasSubstr("PATCHED")));
}

} // namespace
} // namespace lpc::test
