// A command under ptrace, so that a test can do something at its n-th system call: kill it, or somebody else.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace lpc::test {

struct TracedRun {
  int stops = 0;      // entries and exits of system calls that it came to
  bool acted = false; // it came to the stop that was asked for
  bool hung = false;  // it had to be killed at the deadline
  int status = 0;     // as Child::wait
  std::string output; // both standard output and standard error
};

// Runs argv[0] (a path) to its end. When it stands at its `n`-th stop, at the entry of a system call where n is odd and
// at its exit where it is even, `act` is called with its process id, and it goes on. n < 1: at none. Only the first
// thread is traced. Throws std::runtime_error.
TracedRun runTraced(const std::vector<std::string> &argv, int n, const std::function<void(pid_t)> &act,
                    std::chrono::milliseconds limit = std::chrono::seconds(30));

// For the `act` above.
void killIt(pid_t pid);

} // namespace lpc::test
