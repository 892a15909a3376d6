// --all while processes come, go, execute programs and give their ids to others.
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/support/many.h"

namespace lpc::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class AllChanges : public Many {
protected:
  static std::string rest(Child &child) {
    std::string out;
    while (auto line = child.line(std::chrono::seconds(60)))
      out += *line + "\n";
    return out;
  }
};

// A process that is started with an id of one's choice (clone3(2), Linux 5.5), and ended.
class Chosen {
public:
  Chosen(pid_t pid, const char *program) {
    pid_t ids[] = {pid};
    clone_args arguments{};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<uint64_t>(ids);
    arguments.set_tid_size = 1;
    // What cannot be found any more may have its id for an instant yet.
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    do
      pid_ = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    while (pid_ < 0 && errno == EEXIST && std::chrono::steady_clock::now() < deadline);
    if (pid_ == 0) {
      execl(program, program, "0", nullptr);
      _exit(127);
    }
  }
  Chosen(const Chosen &) = delete;
  Chosen &operator=(const Chosen &) = delete;
  ~Chosen() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

private:
  pid_t pid_ = -1;
};

// What had the id when it was looked at is gone; what has it now is another process, with a row of its own.
TEST_F(AllChanges, AnIdIsUsedAgain) {
  start(3);
  const pid_t id = pidOf(1);
  ASSERT_EQ(ask(1, 'h') + ask(3, 'h'), "yy");
  Child apply(command({"apply", "fix.lp", "--all", "--timeout", "6s"}));
  std::string workers;
  ASSERT_TRUE(comes([&] { // both of those that are busy have been begun with, and nobody else is at work
    workers = run({"pgrep", "-c", "-P", std::to_string(apply.pid())}).out;
    return ask(0, 'a') == "2" && ask(2, 'a') == "2" && workers == "2\n";
  })) << workers;
  kill(id, SIGKILL);
  ASSERT_TRUE(comes([&] { return kill(id, 0) != 0; }));
  Chosen again(id, "./server");
  if (again.pid() != id) GTEST_SKIP() << "this machine lets nobody choose process ids";
  ASSERT_TRUE(comes([&] { return !askOf(id, 0, 'a').empty(); }));
  std::string out = rest(apply);
  EXPECT_EQ(apply.wait(), 3) << out;
  const std::string row = "\n *" + std::to_string(id) + "  [^ ]*server +";
  EXPECT_THAT(out, ContainsRegex(row + "gone "));
  EXPECT_THAT(out, ContainsRegex(row + "applied "));
  EXPECT_EQ(askOf(id, 0, 'a'), "2") << out;
  EXPECT_EQ(ask(3, 'a'), "1") << out;
}

// With --pid, too: the one that was meant is gone, and nothing is done to the other.
TEST_F(AllChanges, AnIdThatWasGivenIsUsedAgain) {
  start(1);
  const pid_t id = pidOf(1);
  ASSERT_EQ(ask(1, 'h'), "y");
  Child apply(command({"apply", "fix.lp", "--pid", std::to_string(id), "--timeout", "20s"}));
  const std::string maps = "/proc/" + std::to_string(id) + "/maps";
  ASSERT_TRUE(comes([&] { // memory of the patch is there, so lpc waits
    std::ifstream file(maps);
    return std::string(std::istreambuf_iterator<char>(file), {}).contains("livepatch");
  }));
  kill(id, SIGKILL);
  ASSERT_TRUE(comes([&] { return kill(id, 0) != 0; }));
  Chosen again(id, "./server");
  if (again.pid() != id) GTEST_SKIP() << "this machine lets nobody choose process ids";
  ASSERT_TRUE(comes([&] { return !askOf(id, 0, 'a').empty(); }));
  EXPECT_EQ(apply.wait(std::chrono::seconds(30)), 3);
  EXPECT_EQ(askOf(id, 0, 'a'), "1");
  EXPECT_THAT(lpc({"status", "--pid", std::to_string(id)}).out, HasSubstr("no patches"));
}

// Children by fork, vfork and fork with execve, of the program itself and of others, each alive for milliseconds. A
// child that gives a wrong answer or ends by a signal is told of.
constexpr const char *kChurn = R"(
  #include <signal.h>
  #include <stdio.h>
  #include <string.h>
  #include <sys/prctl.h>
  #include <sys/wait.h>
  #include <unistd.h>
  __attribute__((noinline)) int answer(int x) { volatile int y = x; return y * 3 - 2 * y + 1; }
  int (*volatile callee)(int) = answer;
  static int wrong(void) { int r = callee(1); return r != 2 && r != 101; }
  static int leaf(void) { int bad = wrong(); usleep(3000); return bad + wrong(); }
  int main(int count, char **words) {
    if (count > 1) return leaf();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (long n = 0;; n++) {
      int status = 0;
      pid_t child = n % 3 == 1 ? vfork() : fork();
      if (child == 0 && n % 3 == 0) _exit(leaf());
      if (child == 0 && n % 7 == 0) execl("/bin/true", "true", NULL);
      if (child == 0) execl(words[0], words[0], "leaf", NULL);
      if (child == 0) _exit(8);
      if (child > 0) waitpid(child, &status, 0);
      if (child < 0 || status != 0) printf("child %ld: %x\n", n, status);
      else if (n % 64 == 0) printf("%ld\n", n);
      fflush(stdout);
    }
  })";

TEST_F(AllChanges, ProcessesComeAndGo) {
  folder_.write("churn.c", kChurn);
  folder_.write("fix.c", "int fixed(int x) { return x + 100; }\n");
  ASSERT_EQ(run({"cc", "-O1", "-Wl,--build-id=sha1", "churn.c", "-o", "made"}).status, 0);
  ASSERT_EQ(run({"cc", "-O1", "-shared", "-fPIC", "fix.c", "-o", "fix.so"}).status, 0);
  copyAsOwnBuild("made", "churn");
  folder_.write("churn.lp", "patch " + name_ + "\ntarget churn\ndl p fix.so\njmp answer $p:fixed\n");
  Child first({"./churn"}), second({"./churn"});
  std::string outputs;
  for (int round = 0; round < 8; round++) {
    ASSERT_TRUE(first.line() && second.line());
    for (const std::vector<std::string> &words :
         {std::vector<std::string>{"apply", "churn.lp", "--all"}, {"revert", name_, "--all"}}) {
      RunResult done = lpc(words);
      auto rows = tableOf(done.out);
      for (const Child *child : {&first, &second})
        EXPECT_EQ(rows[child->pid()].result, words[0] == "apply" ? "applied" : "reverted") << done.out << done.err;
      for (const char *never : {" uncertain", " rolled-back", " bug"})
        EXPECT_THAT(done.out + done.err, Not(HasSubstr(never)));
      EXPECT_TRUE(done.status == 0 || done.status == 3) << done.status << done.out << done.err;
    }
  }
  first.signal(SIGKILL), second.signal(SIGKILL);
  EXPECT_THAT(rest(first) + rest(second), Not(HasSubstr("child")));
}

} // namespace
} // namespace lpc::test
