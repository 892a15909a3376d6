// What the live tests of the agent share: targets, and what a process must look like afterwards.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/agent.h"
#include "tests/support/child.h"

namespace lpc::test {

using namespace std::chrono_literals;
using runtime::Agent;
using runtime::Clock;
using runtime::Process;

// A target that has died is a failure of its test, not the end of all tests (send() throws then).
inline const auto kIgnorePipe = ::signal(SIGPIPE, SIG_IGN);

inline std::string target(const std::string &name) { return std::string(LPC_TEST_BINARY_DIR) + "/target_" + name; }
inline runtime::Deadline in(std::chrono::milliseconds time) { return Clock::now() + time; }

// Waits for `condition` without sleeping long: the deadline is for failures only.
template <class Condition> bool eventually(Condition condition, std::chrono::milliseconds limit = 10s) {
  for (auto deadline = in(limit);;) {
    if (condition()) return true;
    if (Clock::now() > deadline) return false;
    timespec rest{0, 500'000};
    nanosleep(&rest, nullptr);
  }
}

inline Result<Agent> startAgent(const Process &process, std::chrono::milliseconds limit = 10s) {
  auto maps = runtime::readMaps(process);
  if (!maps) return std::unexpected(maps.error());
  return Agent::start(process, *maps, in(limit));
}

inline std::string explain(const Error &error) {
  std::string text = error.message;
  for (const Note &note : error.notes)
    text += "\n  " + note.message;
  return text + (error.help.empty() ? "" : "\n  help: " + error.help);
}

#define LPC_ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << ::lpc::test::explain((result).error())
#define LPC_EXPECT_OK(result) EXPECT_TRUE((result).has_value()) << ::lpc::test::explain((result).error())

inline std::vector<std::string> mappingsOf(pid_t pid) {
  std::vector<std::string> lines;
  std::string line;
  for (std::ifstream maps("/proc/" + std::to_string(pid) + "/maps"); std::getline(maps, line);)
    lines.push_back(line);
  return lines;
}

// State letters of all threads, sorted.
inline std::string statesOf(pid_t pid) {
  std::string states;
  if (auto tids = runtime::threadIds(pid))
    for (pid_t tid : *tids)
      states += runtime::threadState(pid, tid);
  std::ranges::sort(states);
  return states;
}

// The addresses behind "ready", in order.
inline std::vector<RemoteAddress> addressesIn(const std::string &line) {
  std::istringstream words(line);
  std::string word;
  std::vector<RemoteAddress> found;
  while (words >> word)
    if (word.starts_with("0x")) found.push_back({std::stoull(word, nullptr, 16)});
  return found;
}

// A running agent_busy.
class Busy {
public:
  explicit Busy(const std::vector<std::string> &arguments, const std::string &program = target("agent_busy"))
      : child_(argv(program, arguments)) {
    auto line = child_.lineWith("ready");
    if (line) addresses_ = addressesIn(*line);
    EXPECT_EQ(addresses_.size(), 3U) << "the target did not start";
  }
  Child &child() { return child_; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] RemoteAddress word() const { return addresses_.at(0); }
  [[nodiscard]] RemoteAddress mark() const { return addresses_.at(1); }
  [[nodiscard]] RemoteAddress answer() const { return addresses_.at(2); }

  std::vector<uint64_t> counts() {
    child_.send("?\n");
    std::vector<uint64_t> counts;
    if (auto line = child_.lineWith("counts")) {
      std::istringstream words(line->substr(6));
      for (uint64_t count = 0; words >> count;)
        counts.push_back(count);
    }
    return counts;
  }
  // Every thread gets on with what it does (but for the number of signals).
  bool allProgress(std::chrono::milliseconds limit = 10s) {
    auto before = counts();
    return !before.empty() && eventually(
                                  [&] {
                                    auto after = counts();
                                    if (after.size() != before.size()) return false;
                                    for (size_t i = 0; i + 1 < after.size(); i++)
                                      if (after[i] <= before[i]) return false;
                                    return true;
                                  },
                                  limit);
  }

private:
  static std::vector<std::string> argv(const std::string &program, const std::vector<std::string> &arguments) {
    std::vector<std::string> all{program};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  Child child_;
  std::vector<RemoteAddress> addresses_;
};

} // namespace lpc::test
