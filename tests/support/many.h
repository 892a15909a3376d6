// The servers of tests/live/targets/many.c, as the live tests of --all use them.
#pragma once

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/own_build.h"
#include "tests/support/work_folder.h"

namespace lpc::test {

// One row of the table that `--all` prints.
struct TableRow {
  std::string program, result, pause, reason;
};

inline std::map<pid_t, TableRow> tableOf(const std::string &output) {
  std::map<pid_t, TableRow> rows;
  static const std::regex kRow(R"( *(\d+)  (\S+(?: \(deleted\))?) +(\S+) +(\S+(?: [mu]?s)?)(?:  (.*))?)");
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);)
    if (std::smatch match; std::regex_match(line, match, kRow))
      rows[std::stoi(match[1])] = {match[2], match[3], match[4], match[5]};
  return rows;
}

inline size_t countOf(const std::map<pid_t, TableRow> &rows, const std::string &result) {
  return static_cast<size_t>(std::ranges::count_if(rows, [&](const auto &row) { return row.second.result == result; }));
}

class Many : public testing::Test {
protected:
  // The program of these tests, at ./server, and a patch for it, ./fix.lp.
  void SetUp() override {
    copyAsOwnBuild(LPC_TEST_BINARY_DIR "/target_many", "server");
    folder_.write("fix.lp", "patch " + name_ +
                                "\ntarget server\ndl p " LPC_TEST_BINARY_DIR
                                "/many.so\njmp answer $p:answer_patched\n");
  }
  void start(int servers) {
    master_.emplace(std::vector<std::string>{"./server", std::to_string(servers)});
    ASSERT_EQ(master_->line(std::chrono::seconds(60)), "ready");
  }
  // What server number `name` (or the child of that process id) says; "" where it is not there.
  [[nodiscard]] std::string ask(long name, char what) const { return askOf(master_->pid(), name, what); }
  static std::string askOf(pid_t master, long name, char what) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string path = "lpc-many-" + std::to_string(master) + "-" + std::to_string(name);
    path.copy(address.sun_path + 1, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + path.size());
    std::string said;
    char part[16];
    if (connect(fd, reinterpret_cast<sockaddr *>(&address), length) == 0 && ::write(fd, &what, 1) == 1)
      for (ssize_t size = 0; (size = read(fd, part, sizeof part)) > 0;)
        said.append(part, static_cast<size_t>(size));
    close(fd);
    return said;
  }
  [[nodiscard]] pid_t pidOf(long name) const { return std::stoi(ask(name, 'p')); }

  static std::vector<std::string> command(std::vector<std::string> words) {
    words.insert(words.begin(), LPC_COMMAND);
    return words;
  }
  static RunResult lpc(const std::vector<std::string> &words) {
    return run(command(words), {}, std::chrono::seconds(110));
  }
  // Until `true` is said, or for 30 seconds.
  template <class Said> static bool comes(Said said) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!said()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      usleep(2000); // between two looks; the deadline decides
    }
    return true;
  }

  WorkFolder folder_;
  std::string name_ = "fix_" + std::to_string(getpid()); // of the patch: other tests revert with --all, too
  std::optional<Child> master_;
};

} // namespace lpc::test
