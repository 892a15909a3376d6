// redis-server of Debian (PIE, stripped, exported symbols) on a port of its own, and load on it.
#pragma once

#include <memory>

#include "tests/real/server.h"

namespace lpc::test {

class Redis : public testing::Test {
protected:
  void SetUp() override {
    for (const char *program : {"redis-server", "redis-cli", "redis-benchmark"})
      if (!installed(program)) GTEST_SKIP() << "package of `" << program << "` is not installed";
    port_ = freePort();
    server_ = std::make_unique<Child>(std::vector<std::string>{"redis-server", "--port", text(port_), "--bind",
                                                               "127.0.0.1", "--save", "", "--appendonly", "no"});
    ASSERT_TRUE(answers(port_));
    ASSERT_EQ(cli({"ping"}), "PONG\n"); // all its threads are there when it answers
    before_ = stateOf(server_->pid());
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
  std::unique_ptr<Child> server_;
  ProcessState before_;
};

} // namespace lpc::test
