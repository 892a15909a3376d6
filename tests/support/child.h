// A process that a test starts, talks to and always ends: no sleeps, every wait has a deadline.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace lpc::test {

class Child {
public:
  // Starts argv[0] (searched in PATH) with pipes on standard input and output; standard error is ours.
  // Throws std::runtime_error.
  explicit Child(const std::vector<std::string> &argv, const std::vector<std::string> &addedEnvironment = {});
  Child(Child &&other) noexcept;
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;
  Child &operator=(Child &&) = delete;
  ~Child(); // SIGKILL and reap

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The next line of output (without newline); nothing at the deadline or at the end of the output.
  std::optional<std::string> line(std::chrono::milliseconds limit = std::chrono::seconds(10));
  // Skips lines until one contains `text`, and returns that; nothing at the deadline.
  std::optional<std::string> lineWith(const std::string &text, std::chrono::milliseconds limit = std::chrono::seconds(10));
  void send(const std::string &text) const;
  void signal(int number) const;
  // Waits for its end: exit status, or 128 + signal; nothing at the deadline.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(10));
  [[nodiscard]] bool alive() { return !wait(std::chrono::milliseconds(0)); }

private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;
  std::string buffer_;
  std::optional<int> status_;
};

// Runs a command to its end with `input` on standard input.
struct RunResult {
  int status = 0; // as Child::wait; -1 when it was killed at the deadline
  std::string out, err;
};
RunResult run(const std::vector<std::string> &argv, const std::string &input = {},
              std::chrono::milliseconds limit = std::chrono::seconds(60));

// What must be the same before and after: threads, mappings, descriptors, tracer and state of a process.
struct ProcessState {
  size_t threads = 0, mappings = 0, descriptors = 0;
  int tracer = 0;
  bool operator==(const ProcessState &) const = default;
};
ProcessState stateOf(pid_t pid);
void PrintTo(const ProcessState &state, std::ostream *out); // for GoogleTest

} // namespace lpc::test
