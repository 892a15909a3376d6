// Children of tests. posix_spawn, poll with deadlines, and a destructor that leaves nothing behind.
#include "tests/support/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ostream>
#include <stdexcept>
#include <utility>

extern char **environ;

namespace lpc::test {
namespace {

using Clock = std::chrono::steady_clock;

int remaining(Clock::time_point deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<long>(left, 0));
}

[[noreturn]] void failed(const std::string &what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

struct Pipe {
  int readEnd = -1, writeEnd = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) failed("pipe");
    readEnd = ends[0], writeEnd = ends[1];
  }
};

void closeAll(std::initializer_list<int *> descriptors) {
  for (int *fd : descriptors)
    if (*fd >= 0) close(*fd), *fd = -1;
}

// `errors` < 0: standard error stays ours.
pid_t spawn(const std::vector<std::string> &argv, const std::vector<std::string> &added, int in, int out, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  if (errors >= 0) posix_spawn_file_actions_adddup2(&actions, errors, 2);
  std::vector<char *> words, variables;
  for (const std::string &word : argv)
    words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  for (char **variable = environ; *variable; variable++)
    variables.push_back(*variable);
  for (const std::string &variable : added)
    variables.push_back(const_cast<char *>(variable.c_str()));
  variables.push_back(nullptr);
  pid_t pid = -1;
  int error = posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error) {
    errno = error;
    failed("start " + argv[0]);
  }
  return pid;
}

// The status of `pid` when it has ended by the deadline.
std::optional<int> reap(pid_t pid, Clock::time_point deadline) {
  int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  pollfd ended{pidfd, POLLIN, 0};
  while (poll(&ended, 1, remaining(deadline)) < 0 && errno == EINTR) {
  }
  if (pidfd >= 0) close(pidfd);
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// After SIGKILL. A test that failed in the middle may trace threads of the child still; the child's end is reported
// only when these have been waited for.
void reapWithThreads(pid_t pid) {
  auto deadline = Clock::now() + std::chrono::seconds(10);
  while (waitpid(pid, nullptr, WNOHANG) == 0 && Clock::now() < deadline) {
    if (DIR *dir = opendir(("/proc/" + std::to_string(pid) + "/task").c_str())) {
      while (dirent *entry = readdir(dir))
        if (int tid = std::atoi(entry->d_name); tid > 0 && tid != pid) waitpid(tid, nullptr, WNOHANG | __WALL);
      closedir(dir);
    }
    poll(nullptr, 0, 1); // until the kernel has ended it; the deadline decides
  }
}

size_t entries(const std::string &folder) {
  size_t count = 0;
  if (DIR *dir = opendir(folder.c_str())) {
    while (dirent *entry = readdir(dir))
      count += entry->d_name[0] != '.';
    closedir(dir);
  }
  return count;
}

} // namespace

Child::Child(const std::vector<std::string> &argv, const std::vector<std::string> &addedEnvironment) {
  Pipe input, output;
  pid_ = spawn(argv, addedEnvironment, input.readEnd, output.writeEnd, -1);
  closeAll({&input.readEnd, &output.writeEnd});
  in_ = input.writeEnd, out_ = output.readEnd;
}

Child::Child(Child &&other) noexcept
    : pid_(std::exchange(other.pid_, -1)), in_(std::exchange(other.in_, -1)), out_(std::exchange(other.out_, -1)),
      buffer_(std::move(other.buffer_)), status_(other.status_) {}

Child::~Child() {
  closeAll({&in_, &out_});
  if (pid_ > 0 && !status_) {
    kill(pid_, SIGKILL);
    reapWithThreads(pid_);
  }
}

std::optional<std::string> Child::line(std::chrono::milliseconds limit) {
  auto deadline = Clock::now() + limit;
  for (;;) {
    if (size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string result = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return result;
    }
    pollfd readable{out_, POLLIN, 0};
    int ready = poll(&readable, 1, remaining(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    char chunk[4096];
    ssize_t count = read(out_, chunk, sizeof chunk);
    if (count <= 0) return std::nullopt;
    buffer_.append(chunk, static_cast<size_t>(count));
  }
}

std::optional<std::string> Child::lineWith(const std::string &text, std::chrono::milliseconds limit) {
  auto deadline = Clock::now() + limit;
  while (auto next = line(std::chrono::milliseconds(remaining(deadline))))
    if (next->find(text) != std::string::npos) return next;
  return std::nullopt;
}

void Child::send(const std::string &text) const {
  if (write(in_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) failed("write to child");
}

void Child::signal(int number) const { kill(pid_, number); }

std::optional<int> Child::wait(std::chrono::milliseconds limit) {
  if (!status_ && pid_ > 0) status_ = reap(pid_, Clock::now() + limit);
  return status_;
}

RunResult run(const std::vector<std::string> &argv, const std::string &input, std::chrono::milliseconds limit) {
  auto deadline = Clock::now() + limit;
  Pipe in, out, err;
  pid_t pid = spawn(argv, {}, in.readEnd, out.writeEnd, err.writeEnd);
  closeAll({&in.readEnd, &out.writeEnd, &err.writeEnd});
  fcntl(in.writeEnd, F_SETFL, O_NONBLOCK);
  RunResult result;
  size_t sent = 0;
  auto drain = [](int &fd, std::string &into) {
    char chunk[65536];
    ssize_t count = read(fd, chunk, sizeof chunk);
    if (count > 0)
      into.append(chunk, static_cast<size_t>(count));
    else
      closeAll({&fd});
  };
  struct IgnorePipe { // a command that does not read its input is no error
    void (*old)(int) = ::signal(SIGPIPE, SIG_IGN);
    ~IgnorePipe() { ::signal(SIGPIPE, old); }
  } ignorePipe;
  while (out.readEnd >= 0 || err.readEnd >= 0) {
    if (sent == input.size()) closeAll({&in.writeEnd});
    pollfd fds[] = {{out.readEnd, POLLIN, 0}, {err.readEnd, POLLIN, 0}, {in.writeEnd, POLLOUT, 0}};
    int ready = poll(fds, 3, remaining(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    if (fds[0].revents) drain(out.readEnd, result.out);
    if (fds[1].revents) drain(err.readEnd, result.err);
    if (fds[2].revents) {
      ssize_t count = write(in.writeEnd, input.data() + sent, input.size() - sent);
      if (count > 0)
        sent += static_cast<size_t>(count);
      else
        closeAll({&in.writeEnd}), sent = input.size();
    }
  }
  closeAll({&in.writeEnd, &out.readEnd, &err.readEnd});
  auto status = reap(pid, deadline);
  if (!status) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  result.status = status.value_or(-1);
  return result;
}

ProcessState stateOf(pid_t pid) {
  std::string proc = "/proc/" + std::to_string(pid);
  ProcessState state{entries(proc + "/task"), 0, entries(proc + "/fd"), 0};
  std::string text;
  for (std::ifstream maps(proc + "/maps"); std::getline(maps, text);)
    state.mappings++;
  for (std::ifstream status(proc + "/status"); std::getline(status, text);)
    if (text.starts_with("TracerPid:")) state.tracer = std::stoi(text.substr(10));
  return state;
}

void PrintTo(const ProcessState &state, std::ostream *out) {
  *out << state.threads << " threads, " << state.mappings << " mappings, " << state.descriptors
       << " descriptors, tracer " << state.tracer;
}

} // namespace lpc::test
