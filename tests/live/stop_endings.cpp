// Processes that end, execute other programs, or cannot be stopped, in the middle of it: never a hang, never a thread
// left behind.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;

TEST(StopEndings, KilledWhileHeld) {
  for (const char *threads : {"1", "8", "200"}) {
    Child child({target("crowd"), threads, "1"});
    ASSERT_TRUE(child.lineWith("ready"));
    Process process = opened(child.pid());
    Tracees tracees = traceesOf(process);
    ASSERT_STOPS(tracees);
    child.signal(SIGKILL);
    EXPECT_TRUE(eventually([&] { return !process.sameMemory(); }));
    tracees.resume();
    EXPECT_EQ(child.wait(), 128 + SIGKILL) << threads; // its parent learns of it
    EXPECT_TRUE(process.ended());
    uint8_t byte = 0;
    auto read = process.read({0x400000}, {&byte, 1});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().id, DiagnosticId::ProcessGone) << read.error().message;
    auto again = tracees.stop(in(std::chrono::seconds(10)));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().id, DiagnosticId::ProcessGone) << again.error().message;
  }
}

TEST(StopEndings, KilledWhileBeingStopped) {
  std::map<std::string, int> results;
  for (int round = 0; round < 30; round++) {
    Child child({target("crowd"), "32", "2"});
    ASSERT_TRUE(child.lineWith("ready"));
    Process process = opened(child.pid());
    Tracees tracees = traceesOf(process);
    // Somebody else kills it after a time that differs from round to round.
    pid_t killer = fork();
    if (killer == 0) {
      for (double end = monotonicMicroseconds() + round * 100; monotonicMicroseconds() < end;) {
      }
      kill(child.pid(), SIGKILL);
      _exit(0);
    }
    for (;;) {
      auto done = tracees.stop(in(std::chrono::seconds(10)));
      results[done ? "stopped" : std::string(info(done.error().id).text)]++;
      tracees.resume();
      if (!done) {
        EXPECT_EQ(done.error().id, DiagnosticId::ProcessGone) << done.error().message;
        break;
      }
    }
    EXPECT_EQ(child.wait(), 128 + SIGKILL);
    waitpid(killer, nullptr, 0);
  }
  EXPECT_EQ(results["process-gone"], 30);
}

// The target is no child of ours here: its own parent must learn of its end although we trace it.
TEST(StopEndings, AParentThatIsNotWeLearnsOfTheEnd) {
  Child shell({"sh", "-c", "sh -c 'echo pid $$; exec $0 8 1' $0; echo status $?", target("crowd")});
  auto line = shell.lineWith("pid ");
  ASSERT_TRUE(line);
  pid_t pid = static_cast<pid_t>(std::stol(line->substr(4)));
  ASSERT_TRUE(shell.lineWith("ready"));
  Process process = opened(pid);
  Tracees tracees = traceesOf(process);
  ASSERT_STOPS(tracees);
  kill(pid, SIGKILL);
  tracees.detach();
  EXPECT_EQ(shell.lineWith("status"), "status 137");
}

TEST(StopEndings, ExitedBetweenTwoStops) {
  Child child({target("crowd"), "8", "1"});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  Tracees tracees = traceesOf(process);
  ASSERT_STOPS(tracees);
  tracees.resume();
  child.signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return process.ended(); }));
  auto done = tracees.stop(in(std::chrono::seconds(10)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().id, DiagnosticId::ProcessGone);
  EXPECT_EQ(done.error().message, "process " + std::to_string(child.pid()) + " has ended");
}

TEST(StopEndings, ExecutesItselfAllTheTime) {
  std::string endFile = std::filesystem::temp_directory_path() / ("lpc-exec-" + std::to_string(getpid()));
  Child child({target("exec_loop"), endFile});
  ASSERT_TRUE(child.lineWith("ready"));
  std::map<std::string, int> results;
  auto deadline = in(std::chrono::seconds(60));
  int round = 0;
  while (round < 150 && Clock::now() < deadline) {
    auto process = Process::open(child.pid());
    if (!process) {
      // In the middle of an execve its first thread is a zombie.
      results["open: " + std::string(info(process.error().id).text)]++;
      EXPECT_NE(process.error().id, DiagnosticId::NoSuchProcess) << process.error().message;
      continue;
    }
    round++;
    auto tracees = Tracees::seize(*process, {}, deadline);
    ASSERT_TRUE(tracees);
    auto done = tracees->stop(in(std::chrono::seconds(10)));
    results[done ? "stopped" : std::string(info(done.error().id).text)]++;
    if (done) {
      // What stands is what was opened.
      uint8_t byte = 0;
      EXPECT_TRUE(process->sameMemory());
      EXPECT_TRUE(process->read(tracees->threads()[0].registers.programCounter(), {&byte, 1}));
    } else {
      bool expected = done.error().id == DiagnosticId::ProcessChanged || done.error().id == DiagnosticId::ProcessGone;
      ASSERT_TRUE(expected) << done.error().message;
    }
    tracees->detach();
    if (!done || round % 10 != 0) continue;
    // Now it surely executes itself between two stops.
    EXPECT_TRUE(eventually([&] { return !process->sameMemory(); }));
    auto later = tracees->stop(in(std::chrono::seconds(10)));
    ASSERT_FALSE(later);
    results["later: " + std::string(info(later.error().id).text)]++;
  }
  for (auto &[result, count] : results)
    std::cerr << result << ": " << count << "\n";
  EXPECT_GT(results["stopped"], 0);
  EXPECT_GT(results["later: process-changed"], 0);
  std::ofstream(endFile).put('x');
  EXPECT_EQ(child.wait(std::chrono::seconds(30)), 0); // alive, and able to go on to its end
  std::filesystem::remove(endFile);
}

TEST(StopEndings, AThreadWaitingForAVforkChild) {
  Child child({target("vfork")});
  ASSERT_TRUE(child.lineWith("ready"));
  ProcessState before = stateOf(child.pid());
  Process process = opened(child.pid());
  ASSERT_TRUE(eventually([&] { return threadState(child.pid(), child.pid()) == 'D'; }));
  Tracees tracees = traceesOf(process);
  auto done = tracees.stop(in(std::chrono::seconds(10)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().id, DiagnosticId::PendingVfork);
  EXPECT_EQ(done.error().message, "thread " + std::to_string(child.pid()) + " (`target_vfork`) of process " +
                                      std::to_string(child.pid()) +
                                      " waits for the child of a vfork, which shares its memory");
  EXPECT_EQ(stateOf(child.pid()), before); // it has not been touched
  child.send("\n");
  ASSERT_TRUE(child.lineWith("done"));
  ASSERT_STOPS(tracees);
  tracees.detach();
  EXPECT_EQ(stateOf(child.pid()).tracer, 0);
  EXPECT_TRUE(child.alive());
}

TEST(StopEndings, AThreadThatCannotStop) {
  Child child({target("page_fault")});
  auto ready = child.line();
  ASSERT_TRUE(ready);
  if (*ready == "unsupported") GTEST_SKIP() << "no userfaultfd here";
  Process process = opened(child.pid());
  auto ids = threadIds(child.pid());
  ASSERT_TRUE(ids && ids->size() == 2);
  ASSERT_TRUE(eventually([&] { return threadState(child.pid(), ids->at(1)) == 'D'; }));
  Tracees tracees = traceesOf(process);
  auto start = Clock::now();
  auto done = tracees.stop(in(std::chrono::milliseconds(300)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().id, DiagnosticId::CannotStop);
  EXPECT_NE(done.error().message.find("sleeps uninterruptibly in the kernel"), std::string::npos)
      << done.error().message;
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
  // The others run on. The one is still ours (an attachment ends only with a stop), until it stops, and then it is sent
  // on.
  child.send("\n");
  auto attended = [&] {
    tracees.detach();
    return stateOf(child.pid()).tracer == 0;
  };
  EXPECT_TRUE(eventually(attended));
  EXPECT_TRUE(child.lineWith("done"));
  ASSERT_STOPS(tracees);
  EXPECT_EQ(tracees.threads().size(), 2U);
  tracees.detach();
  EXPECT_TRUE(child.alive());
}

// A thread that another program traces is found when the stop reaches it; all are let go.
TEST(StopEndings, OneThreadIsTracedByAnother) {
  Child child({target("crowd"), "8", "1"});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  auto ids = threadIds(child.pid());
  ASSERT_TRUE(ids);
  pid_t traced = ids->at(5);
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  pid_t other = fork();
  if (other == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char c = ptrace(PTRACE_SEIZE, traced, nullptr, nullptr) == 0 ? 'y' : 'n';
    if (write(ready[1], &c, 1) != 1) _exit(1);
    for (;;)
      pause();
  }
  char c = 0;
  ASSERT_EQ(read(ready[0], &c, 1), 1);
  ASSERT_EQ(c, 'y');
  Tracees tracees = traceesOf(process);
  auto done = tracees.stop(in(std::chrono::seconds(10)));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().id, DiagnosticId::AlreadyTraced);
  EXPECT_EQ(done.error().message, "thread " + std::to_string(traced) + " (`target_crowd`) of process " +
                                      std::to_string(child.pid()) + " is traced by process " + std::to_string(other) +
                                      " (`" + threadName(other, other) + "`)");
  for (pid_t tid : *ids)
    EXPECT_NE(threadState(child.pid(), tid), 't');
  EXPECT_EQ(stateOf(child.pid()).tracer, 0);
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  ASSERT_STOPS(tracees); // it has gone
  for (int fd : ready)
    close(fd);
}

} // namespace
} // namespace lpc::runtime
