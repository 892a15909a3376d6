// nginx of Debian, one master and eight workers, patched by one command under load; and workers that come meanwhile.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/real/server.h"
#include "tests/support/own_build.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class NginxAll : public testing::Test {
protected:
  static constexpr size_t kWorkers = 8;

  void SetUp() override {
    for (const char *program : {"nginx", "wrk"})
      if (!installed(program)) GTEST_SKIP() << "package `" << program << "` is not installed";
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all); // workers run as another user
    copyAsOwnBuild("/usr/sbin/nginx", "nginx");                                // so that nobody else's nginx is found
    port_ = freePort();
    folder_.write("index.html", "hello\n");
    std::filesystem::permissions(folder_.path() + "/index.html", std::filesystem::perms::all);
    folder_.write(
        "nginx.conf",
        "daemon off;\nworker_processes 8;\npid " + folder_.path() + "/nginx.pid;\nerror_log " + folder_.path() +
            "/error.log;\nevents { worker_connections 256; }\nhttp { access_log off; server { listen 127.0.0.1:" +
            std::to_string(port_) + " reuseport; root " + folder_.path() + "; } }\n");
    server_.emplace(std::vector<std::string>{"./nginx", "-e", folder_.path() + "/error.log", "-p", folder_.path(), "-c",
                                             folder_.path() + "/nginx.conf"});
    ASSERT_TRUE(answers(port_));
    ASSERT_TRUE(renewed({}));
    folder_.write("time.lp", "patch " + name_ +
                                 "\n"
                                 "target nginx\n"
                                 "dl  t " LPC_TEST_BINARY_DIR "/nginx_time.so\n"
                                 "jmp ngx_http_time $t:time_patched\n");
  }
  void TearDown() override {
    if (!server_) return;
    server_->signal(SIGQUIT); // the master takes its workers with it
    server_->wait(std::chrono::seconds(10));
  }

  [[nodiscard]] std::vector<pid_t> workers() const {
    std::string master = std::to_string(server_->pid());
    std::ifstream children("/proc/" + master + "/task/" + master + "/children");
    return {std::istream_iterator<pid_t>(children), {}};
  }
  [[nodiscard]] Child load(const char *time) const {
    return Child({"wrk", "-t1", "-c16", time, "http://127.0.0.1:" + std::to_string(port_) + "/index.html"});
  }
  // The load got an answer to each request.
  static void expectNoFailure(Child &load) {
    std::string report;
    while (auto line = load.line(std::chrono::seconds(60)))
      report += *line + "\n";
    EXPECT_EQ(load.wait(std::chrono::seconds(20)), 0);
    EXPECT_THAT(report, HasSubstr("requests in"));
    EXPECT_THAT(report, Not(HasSubstr("Socket errors")));
    EXPECT_THAT(report, Not(HasSubstr("Non-2xx")));
  }
  // Each of those that are there now has the patch, or has not.
  void expectPatched(bool patched) const {
    std::vector<pid_t> all = workers();
    all.push_back(server_->pid());
    for (pid_t pid : all) {
      RunResult status = lpc({"status", "--pid", std::to_string(pid)});
      if (status.status != 0) continue; // an old worker that has ended
      EXPECT_EQ(status.out.find(name_ + ": applied") != std::string::npos, patched) << status.out;
    }
    std::string said;
    for (int i = 0; i < 40; i++) // the kernel chooses who answers
      said += run({"curl", "-s", "-i", "http://127.0.0.1:" + std::to_string(port_) + "/index.html"}).out;
    size_t dates = 0;
    for (size_t at = 0; (at = said.find("Last-Modified: patched ", at)) != std::string::npos; at++)
      dates++;
    EXPECT_EQ(dates, patched ? 40U : 0U);
  }
  // All old workers are gone, and the new ones are there.
  bool renewed(const std::vector<pid_t> &old) const {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      std::vector<pid_t> now = workers();
      bool gone = std::ranges::none_of(old, [&](pid_t pid) { return std::ranges::find(now, pid) != now.end(); });
      if (gone && now.size() == kWorkers) return true;
      if (std::chrono::steady_clock::now() > deadline) return false;
      poll(nullptr, 0, 10); // between two looks; the deadline decides
    }
  }

  int port_ = 0;
  WorkFolder folder_;
  std::string name_ = "http_time_" + std::to_string(getpid()); // other tests revert with --all, too
  std::optional<Child> server_;
};

TEST_F(NginxAll, MasterAndEightWorkersByOneCommand) {
  Child requests = load("-d5s");
  ASSERT_TRUE(requests.line().has_value());
  RunResult applied = lpc({"apply", "time.lp", "--all"});
  EXPECT_EQ(applied.status, 0) << applied.out << applied.err;
  EXPECT_THAT(applied.out, HasSubstr("\n9 processes: 9 applied"));
  for (pid_t pid : workers())
    EXPECT_THAT(applied.out, HasSubstr(std::to_string(pid) + "  " + folder_.path() + "/nginx"));
  expectPatched(true);
  RunResult reverted = lpc({"revert", name_, "--all"});
  EXPECT_THAT(reverted.out, HasSubstr("9 reverted")) << reverted.err; // others' patches may be there, unreadable to us
  expectPatched(false);
  expectNoFailure(requests);
}

// The reload begins before the command: the master forks workers while it is looked for, and old ones end.
TEST_F(NginxAll, WorkersThatComeMeanwhileHaveThePatch) {
  std::vector<pid_t> old = workers();
  server_->signal(SIGHUP);
  RunResult applied = lpc({"apply", "time.lp", "--all"});
  EXPECT_THAT(applied.out, HasSubstr(" applied")) << applied.err;
  for (const char *never : {" busy", " refused", " uncertain", " rolled-back"})
    EXPECT_THAT(applied.out, Not(HasSubstr(never)));
  EXPECT_TRUE(applied.status == 0 || applied.out.find(" gone ") != std::string::npos) << applied.out << applied.err;
  ASSERT_TRUE(renewed(old));
  expectPatched(true);

  old = workers();
  server_->signal(SIGHUP); // and those that come later are born with it
  ASSERT_TRUE(renewed(old));
  expectPatched(true);
  RunResult again = lpc({"apply", "time.lp", "--all"});
  EXPECT_THAT(again.out, HasSubstr("\n9 processes: 9 already-applied")) << again.err;
  EXPECT_THAT(lpc({"revert", name_, "--all"}).out, HasSubstr("9 reverted"));
  expectPatched(false);
}

} // namespace
} // namespace lpc::test
