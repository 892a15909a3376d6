// What the live tests of stopping share.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <functional>
#include <string>

#include "runtime/stop.h"
#include "tests/support/child.h"

namespace lpc::test {

inline std::string target(const std::string &name) { return std::string(LPC_TEST_BINARY_DIR) + "/target_" + name; }

inline runtime::Deadline in(std::chrono::milliseconds time) { return runtime::Clock::now() + time; }

// Looks again and again until it is so; false at the deadline.
inline bool eventually(const std::function<bool()> &so, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  for (auto deadline = in(limit); !so(); sched_yield())
    if (runtime::Clock::now() >= deadline) return false;
  return true;
}

// Opened, or the test fails with the message.
inline runtime::Process opened(pid_t pid) {
  auto process = runtime::Process::open(pid);
  if (!process) throw std::runtime_error(process.error().message);
  return std::move(*process);
}

inline runtime::Tracees traceesOf(const runtime::Process &process, std::vector<pid_t> except = {}) {
  auto tracees = runtime::Tracees::seize(process, std::move(except), in(std::chrono::seconds(10)));
  if (!tracees) throw std::runtime_error(tracees.error().message);
  return std::move(*tracees);
}

template <class T> std::string messageOf(const Result<T> &result) { return result ? "" : result.error().message; }

// A stop with a deadline that a loaded machine keeps, too.
#define ASSERT_STOPS(tracees)                                                                                          \
  do {                                                                                                                 \
    auto stopResult = (tracees).stop(lpc::test::in(std::chrono::seconds(10)));                                         \
    ASSERT_TRUE(stopResult) << stopResult.error().message;                                                             \
  } while (false)

} // namespace lpc::test
