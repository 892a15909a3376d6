// `lpc run` on a terminal, and with its companion killed at any instant.
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <array>

#include "tests/live/run.h"

namespace lpc::test {
namespace {

class RunInstants : public Run {
protected:
  RunInstants() {
    std::filesystem::copy(kBinaries + "/target_starts_pie", "program");
    folder_.write("fix.lp", kRunPatch);
  }
};

// A shell on a terminal of its own.
class Shell {
public:
  Shell() {
    pid_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      execlp("bash", "bash", "--norc", "--noprofile", "-i", nullptr);
      _exit(127);
    }
  }
  Shell(const Shell &) = delete;
  Shell &operator=(const Shell &) = delete;
  ~Shell() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(terminal_); // whatever runs on it gets SIGHUP
  }
  void type(const std::string &text) const {
    EXPECT_EQ(write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void readUntil(const std::string &text) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::array<char, 256> chunk{};
    while (!seen_.contains(text)) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd input{terminal_, POLLIN, 0};
      ASSERT_GT(poll(&input, 1, static_cast<int>(std::max<int64_t>(left.count(), 0))), 0) << text << " in " << seen_;
      ssize_t size = read(terminal_, chunk.data(), chunk.size());
      ASSERT_GT(size, 0) << seen_;
      seen_.append(chunk.data(), static_cast<size_t>(size));
    }
    seen_.clear();
  }

private:
  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string seen_;
};

TEST_F(RunInstants, TheTerminalsKeysReachTheProgram) {
  Shell shell;
  shell.type(std::string(LPC_COMMAND) + " run fix.lp -- ./program serve\n");
  shell.readUntil("ready");
  shell.type("\x1a");
  shell.readUntil("Stopped");
  shell.type("fg\n");
  shell.readUntil("program serve");
  shell.type("\n");
  shell.readUntil(kRunAfter);
  shell.type("\x03");
  shell.readUntil("bash-"); // its prompt: what is typed before is thrown away
  shell.type("echo status $?\n");
  shell.readUntil("status 130");
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

// Stopped by a library's constructor, before the entry point: the stop lasts, and the patch is in all the same.
TEST_F(RunInstants, StoppedBeforeItBeginsItGoesOnWithSigcont) {
  std::string patch = std::filesystem::current_path().string() + "/fix.lp";
  folder_.write("stop.c",
                "#include <signal.h>\n__attribute__((constructor)) static void stop(void) { raise(SIGSTOP); }\n");
  ASSERT_EQ(run({"gcc", "-shared", "-fPIC", "-o", "stop.so", "stop.c"}).status, 0);
  Child child({"env", "LD_PRELOAD=./stop.so", LPC_COMMAND, "run", patch, "--", "./program", "show"});
  int status = -1;
  // env itself does not have the library yet, and lpc is linked statically.
  ASSERT_EQ(waitpid(child.pid(), &status, WUNTRACED), child.pid());
  ASSERT_TRUE(WIFSTOPPED(status)) << status;
  auto stands = [&] { // patched, let go by lpc, and still stopped
    std::ifstream file("/proc/" + std::to_string(child.pid()) + "/status");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    return text.contains("State:\tT (stopped)") && companionOf(child.pid(), patch) == 0;
  };
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!stands() && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_TRUE(stands());
  EXPECT_THAT(lpc({"status", "--pid", std::to_string(child.pid())}).out, testing::HasSubstr("fix: applied"));
  EXPECT_FALSE(child.line(std::chrono::milliseconds(0)).has_value());
  child.signal(SIGCONT);
  EXPECT_EQ(child.line(), kRunAfter);
  EXPECT_EQ(child.wait(), 0);
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
