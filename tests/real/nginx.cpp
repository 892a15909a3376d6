// nginx of Debian: master and workers are each patched, while wrk asks for a file.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/real/server.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Nginx : public testing::Test {
protected:
  void SetUp() override {
    for (const char *program : {"nginx", "wrk"})
      if (!installed(program)) GTEST_SKIP() << "package `" << program << "` is not installed";
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all); // workers run as another user
    port_ = freePort();
    folder_.write("index.html", "hello\n");
    std::filesystem::permissions(folder_.path() + "/index.html", std::filesystem::perms::all);
    folder_.write(
        "nginx.conf",
        "daemon off;\nworker_processes 2;\npid " + folder_.path() + "/nginx.pid;\nerror_log " + folder_.path() +
            "/error.log;\nevents { worker_connections 256; }\nhttp { access_log off; server { listen 127.0.0.1:" +
            std::to_string(port_) + "; root " + folder_.path() + "; } }\n");
    server_.emplace(std::vector<std::string>{"nginx", "-e", folder_.path() + "/error.log", "-p", folder_.path(), "-c",
                                             folder_.path() + "/nginx.conf"});
    ASSERT_TRUE(answers(port_));
    folder_.write("time.lp", "patch http_time\n"
                             "target /usr/sbin/nginx\n"
                             "dl  t " LPC_TEST_BINARY_DIR "/nginx_time.so\n"
                             "jmp ngx_http_time $t:time_patched\n");
  }
  void TearDown() override {
    if (!server_) return;
    server_->signal(SIGQUIT); // the master takes its workers with it
    server_->wait(std::chrono::seconds(10));
  }

  // Master and workers.
  [[nodiscard]] std::vector<std::string> processes() const {
    std::string master = std::to_string(server_->pid());
    std::vector<std::string> all = {master};
    std::ifstream children("/proc/" + master + "/task/" + master + "/children");
    for (std::string pid; children >> pid;)
      all.push_back(pid);
    return all;
  }
  [[nodiscard]] RunResult onAll(const std::string &command, const std::string &what) const {
    std::vector<std::string> words = {command, what};
    for (const std::string &pid : processes())
      words.insert(words.end(), {"--pid", pid});
    return lpc(words);
  }
  // Asked ten times, so that both workers answer.
  [[nodiscard]] std::string headers() const {
    std::string all;
    for (int i = 0; i < 10; i++)
      all += run({"curl", "-s", "-i", "http://127.0.0.1:" + std::to_string(port_) + "/index.html"}).out;
    return all;
  }

  int port_ = 0;
  WorkFolder folder_;
  std::optional<Child> server_;
};

TEST_F(Nginx, MasterAndWorkersUnderLoad) {
  ASSERT_TRUE(soon([&] { return processes().size() == 3; })) << "the master answers before it has made all workers";
  EXPECT_THAT(headers(), HasSubstr("GMT"));
  Child load({"wrk", "-t1", "-c16", "-d6s", "http://127.0.0.1:" + std::to_string(port_) + "/index.html"});
  ASSERT_TRUE(load.line().has_value());

  RunResult done = onAll("apply", "time.lp");
  ASSERT_EQ(done.status, 0) << done.out << done.err;
  std::string patched = headers();
  EXPECT_THAT(patched, HasSubstr("Last-Modified: patched "));
  EXPECT_THAT(patched, Not(HasSubstr("Last-Modified: M"))); // "Mon, …", and so for no other day: see below
  for (const char *day : {"Tue", "Wed", "Thu", "Fri", "Sat", "Sun"})
    EXPECT_THAT(patched, Not(HasSubstr(std::string("Last-Modified: ") + day)));

  done = onAll("revert", "http_time");
  ASSERT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_THAT(headers(), Not(HasSubstr("patched")));

  std::string report;
  while (auto line = load.line(std::chrono::seconds(20)))
    report += *line + "\n";
  EXPECT_EQ(load.wait(std::chrono::seconds(20)), 0);
  EXPECT_THAT(report, HasSubstr("requests in"));
  EXPECT_THAT(report, Not(HasSubstr("Socket errors")));
  EXPECT_THAT(report, Not(HasSubstr("Non-2xx")));
  for (const std::string &pid : processes())
    EXPECT_EQ(stateOf(std::stoi(pid)).tracer, 0);
}

TEST_F(Nginx, WorkersForkedLaterAreBornPatched) {
  std::string master = std::to_string(server_->pid());
  ASSERT_EQ(lpc({"apply", "time.lp", "--pid", master}).status, 0);
  std::vector<std::string> old = processes();
  server_->signal(SIGHUP); // new workers
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    auto now = processes();
    bool renewed = now.size() == 3 && now[1] != old[1] && now[1] != old[2] && now[2] != old[1] && now[2] != old[2];
    if (renewed) break;
    poll(nullptr, 0, 10);
  }
  std::string seen = headers();
  EXPECT_THAT(seen, HasSubstr("Last-Modified: patched "));
  EXPECT_THAT(seen, Not(HasSubstr("GMT\r\nLast-Modified: M")));
  RunResult done = onAll("revert", "http_time");
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_THAT(headers(), Not(HasSubstr("patched")));
}

} // namespace
} // namespace lpc::test
