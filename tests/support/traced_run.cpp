// The tracer of a command. It traces the command alone: what that traces itself is its own affair, and loses its tracer
// as it would in real life when the command is killed.
//
// A watchdog thread kills a command that hangs, which ends the wait of the tracer: every wait has an end, and waits
// stay plain.
#include "tests/support/traced_run.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace lpc::test {
namespace {

[[noreturn]] void failed(const std::string &what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

class Watchdog {
public:
  Watchdog(pid_t pid, std::chrono::milliseconds limit)
      : pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))), thread_([this, limit] { watch(limit); }) {}
  Watchdog(const Watchdog &) = delete;
  Watchdog &operator=(const Watchdog &) = delete;
  ~Watchdog() {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
    }
    wake_.notify_one();
    thread_.join();
    close(pidfd_);
  }
  [[nodiscard]] bool bit() const { return bit_; }

private:
  void watch(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, limit, [this] { return over_; })) return;
    bit_ = true;
    syscall(SYS_pidfd_send_signal, pidfd_, SIGKILL, nullptr, 0);
  }

  int pidfd_;
  bool over_ = false;
  std::atomic<bool> bit_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_; // the last: it uses the others
};

// Everything that the child needs is made before it is born.
pid_t startTraced(const std::vector<std::string> &argv, int output) {
  std::vector<char *> words;
  for (const std::string &word : argv)
    words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  pid_t pid = fork();
  if (pid < 0) failed("fork");
  if (pid == 0) {
    dup2(nothing, 0);
    dup2(output, 1);
    dup2(output, 2);
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    execv(words[0], words.data());
    _exit(127);
  }
  close(nothing);
  return pid;
}

std::string contents(int file) {
  std::string text;
  char chunk[4096];
  lseek(file, 0, SEEK_SET);
  for (ssize_t size = 0; (size = read(file, chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<size_t>(size));
  return text;
}

} // namespace

TracedRun runTraced(const std::vector<std::string> &argv, int n, const std::function<void(pid_t)> &act,
                    std::chrono::milliseconds limit) {
  TracedRun run;
  int output = memfd_create("output", MFD_CLOEXEC);
  if (output < 0) failed("memfd_create");
  pid_t pid = startTraced(argv, output);
  int status = 0;
  {
    Watchdog watchdog(pid, limit);
    waitpid(pid, &status, 0); // behind the execve
    ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
    for (long signal = 0; WIFSTOPPED(status);) {
      if (ptrace(PTRACE_SYSCALL, pid, nullptr, signal) != 0 && errno != ESRCH) failed("PTRACE_SYSCALL");
      if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) break;
      bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
      signal = call ? 0 : WSTOPSIG(status);
      if (call && ++run.stops == n) {
        act(pid);
        run.acted = true;
      }
    }
    run.hung = watchdog.bit();
  }
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  run.output = contents(output);
  close(output);
  return run;
}

void killIt(pid_t pid) { kill(pid, SIGKILL); }

} // namespace lpc::test
