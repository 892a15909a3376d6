// `lpc run` on a terminal, and with its companion killed at any instant.
#include <pty.h>
#include <unistd.h>

#include <array>

#include "tests/live/run.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class RunInstants : public Run {
protected:
  RunInstants() {
    std::filesystem::copy(kBinaries + "/target_starts_pie", "program");
    folder_.write("fix.lp", kRunPatch);
  }
};

// The leader of a session with a terminal of its own.
class OnTerminal {
public:
  explicit OnTerminal(const std::vector<std::string> &argv) {
    std::vector<char *> words;
    for (const std::string &word : argv)
      words.push_back(const_cast<char *>(word.c_str()));
    words.push_back(nullptr);
    pid_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      execv(words[0], words.data());
      _exit(127);
    }
  }
  OnTerminal(const OnTerminal &) = delete;
  OnTerminal &operator=(const OnTerminal &) = delete;
  ~OnTerminal() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(terminal_);
  }
  void type(const std::string &text) const {
    EXPECT_EQ(write(terminal_, text.data(), text.size()), ssize_t(text.size()));
  }
  void readUntil(const std::string &text) {
    std::array<char, 256> chunk{};
    while (!seen_.contains(text)) {
      ssize_t size = read(terminal_, chunk.data(), chunk.size());
      ASSERT_GT(size, 0) << seen_;
      seen_.append(chunk.data(), static_cast<size_t>(size));
    }
    seen_.clear();
  }
  [[nodiscard]] int wait(int options) const {
    int status = -1;
    EXPECT_EQ(waitpid(pid_, &status, options), pid_);
    return status;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

private:
  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string seen_;
};

TEST_F(RunInstants, TheTerminalsKeysReachTheProgram) {
  OnTerminal program(words({"serve"}));
  program.readUntil("ready");
  program.type("\x1a");
  int stopped = program.wait(WUNTRACED);
  EXPECT_TRUE(WIFSTOPPED(stopped) && WSTOPSIG(stopped) == SIGTSTP) << stopped;
  kill(program.pid(), SIGCONT);
  EXPECT_TRUE(WIFCONTINUED(program.wait(WCONTINUED)));
  program.type("\n");
  program.readUntil(kRunAfter);
  program.type("\x03");
  int ended = program.wait(0);
  EXPECT_TRUE(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGINT) << ended;
}

// Who else runs with this test's patch: the companion, for as long as there is one.
pid_t companionOf(pid_t program, const std::string &patch) {
  for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
    std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "cmdline");
    std::string words((std::istreambuf_iterator<char>(file)), {});
    if (words.contains(patch) && std::stoi(name) != program) return std::stoi(name);
  }
  return 0;
}

TEST_F(RunInstants, WithoutItsCompanionItRunsPatchedOrNotAtAll) {
  constexpr int kKills = 24;
  std::string patch = std::filesystem::current_path().string() + "/fix.lp";
  int ended = 0;
  for (int i = 0; i < kKills; i++) {
    auto begin = std::chrono::steady_clock::now();
    Child child(words({"show"}, patch));
    pid_t companion = 0;
    while (companion == 0 && child.alive())
      companion = companionOf(child.pid(), patch);
    while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(2 * i)) {
    }
    if (companion != 0) kill(companion, SIGKILL);
    std::string line = child.line().value_or("");
    int status = child.wait().value_or(-1);
    EXPECT_TRUE((status == 0 && line == kRunAfter) || (status != 0 && line.empty())) << status << " " << line;
    if (status != 0) ended++;
  }
  EXPECT_GT(ended, 0);
}

} // namespace
} // namespace lpc::test
