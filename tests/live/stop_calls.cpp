// Whatever the threads wait for in the kernel, a stop does not show in what their system calls return.
#include <sstream>

#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;

constexpr size_t kSleepers = 3; // they sleep for a second, and may be over

TEST(StopCalls, NoBlockingCallNoticesAStop) {
  Child child({target("calls")});
  auto ready = child.line();
  while (ready && ready->starts_with("missing")) {
    std::cerr << "not offered by this kernel: " << ready->substr(8) << "\n";
    ready = child.line();
  }
  ASSERT_TRUE(ready && ready->starts_with("ready ")) << ready.value_or("no answer");
  size_t calls = std::stoul(ready->substr(6));
  EXPECT_GE(calls, 40U);
  ProcessState before = stateOf(child.pid());
  Process process = opened(child.pid());
  Tracees tracees = traceesOf(process);
  for (int round = 0; round < 5; round++) {
    ASSERT_STOPS(tracees);
    EXPECT_LE(tracees.threads().size(), before.threads);
    EXPECT_GE(tracees.threads().size() + kSleepers, before.threads);
    tracees.resume();
  }
  // Calls that are made again: nobody has returned to the program.
  EXPECT_GE(stateOf(child.pid()).threads + kSleepers, before.threads);
  child.send("\n");
  size_t answers = 0;
  for (auto line = child.line(); line && *line != "end"; line = child.line(), answers++) {
    std::istringstream words(*line);
    std::string name, when;
    long result = 0;
    int error = 0;
    words >> name >> result >> error >> when;
    EXPECT_EQ(when, "ok") << *line;
    // These two end with EINTR by their nature: by the signal that the program sent itself.
    bool byNature = name == "pause" || name == "sigsuspend";
    EXPECT_EQ(error, byNature ? EINTR : 0) << *line;
  }
  EXPECT_EQ(answers, calls);
  EXPECT_EQ(child.wait(), 0);
}

} // namespace
} // namespace lpc::runtime
