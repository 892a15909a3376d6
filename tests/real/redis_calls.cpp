// Debian's redis-server, whose memory jemalloc allocates, under load: a payload in C++ with a constructor and a
// destructor that allocate, and exceptions; functions of it are called at both ends.
#include <gmock/gmock.h>

#include <fstream>
#include <iostream>

#include "tests/real/redis.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

constexpr const char *kPayload = R"(
  #include <stdexcept>
  #include <string>
  struct client;
  extern "C" void addReplyBulkCString(client *c, const char *s);
  static std::string *greeting;
  __attribute__((constructor)) static void begin() { greeting = new std::string(200, '+'); }
  __attribute__((destructor)) static void end() { delete greeting; }
  __attribute__((noinline)) static void refuse(int n) { throw std::runtime_error("thrown " + std::to_string(n)); }
  extern "C" void pingPatched(client *c) {
    try { refuse(static_cast<int>(greeting->size())); } catch (const std::exception &why) { addReplyBulkCString(c, why.what()); }
  }
  extern "C" int length(int n) {
    try { refuse(n); } catch (const std::exception &why) { return static_cast<int>(std::string(why.what()).size()); }
    return -1;
  })";

class RedisCalls : public Redis {
protected:
  void SetUp() override {
    Redis::SetUp();
    if (!server_) return;
    ASSERT_THAT(run({"grep", "-c", "libjemalloc", "/proc/" + text(server_->pid()) + "/maps"}).out, testing::Ne("0\n"));
    folder_.write("ping.cpp", kPayload);
    RunResult built =
        run({"g++", "-O2", "-shared", "-fPIC", "-o", folder_.path() + "/ping.so", folder_.path() + "/ping.cpp"});
    ASSERT_EQ(built.status, 0) << built.err;
    folder_.write("ping.lp", "patch ping version \"1\"\ntarget /usr/bin/redis-server\ndl p ping.so\n"
                             "jmp pingCommand $p:pingPatched\n"
                             "on post-apply call $p:length 12345\n");
  }
  // Without jemalloc's, which makes more of them as more threads allocate.
  [[nodiscard]] size_t ownThreads() const {
    size_t count = 0;
    for (const auto &task : std::filesystem::directory_iterator("/proc/" + text(server_->pid()) + "/task")) {
      std::string name;
      std::ifstream(task.path() / "comm") >> name;
      count += name != "jemalloc_bg_thd";
    }
    return count;
  }
};

TEST_F(RedisCalls, UnderLoad) {
  const size_t own = ownThreads();
  Child benchmark = load();
  ASSERT_TRUE(benchmark.line(std::chrono::seconds(60)).has_value());
  int rounds = 0;
  do {
    RunResult done = onServer("apply", "ping.lp");
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("post-apply `$p:length`: 12"));
    ASSERT_EQ(cli({"ping"}), "thrown 200\n");
    done = onServer("revert", "ping");
    ASSERT_EQ(done.status, 0) << done.err;
    ASSERT_EQ(cli({"ping"}), "PONG\n");
    rounds++;
  } while (benchmark.alive());
  EXPECT_EQ(benchmark.wait(std::chrono::seconds(1)), 0);
  EXPECT_TRUE(server_->alive());
  EXPECT_TRUE(soon([&] { return ownThreads() == own; }));
  EXPECT_EQ(stateOf(server_->pid()).tracer, 0);
  EXPECT_TRUE(soon([&] { return stateOf(server_->pid()).descriptors == before_.descriptors; })) << "connections, too";
  std::cout << rounds << " times\n";
}

} // namespace
} // namespace lpc::test
