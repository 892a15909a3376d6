// Stopping crowds of threads, and that the process is afterwards as it was.
#include <sys/mman.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "runtime/maps.h"
#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;

struct Crowd {
  explicit Crowd(unsigned threads, unsigned spinners, const std::string &name = "crowd")
      : child({target(name), std::to_string(threads), std::to_string(spinners)}) {
    std::string word;
    std::istringstream ready(child.lineWith("ready").value_or(""));
    ready >> word >> word >> std::hex >> counters.value;
  }
  bool answers() {
    child.send("\n");
    return child.lineWith("alive").has_value();
  }
  Child child;
  RemoteAddress counters{};
};

// Stops, checks that nobody runs, lets go; the crowd lives as before.
void stopAndGo(unsigned threads, unsigned spinners) {
  Crowd crowd(threads, spinners);
  ASSERT_NE(crowd.counters.value, 0U);
  ProcessState before = stateOf(crowd.child.pid());
  ASSERT_EQ(before.threads, threads);
  Process process = opened(crowd.child.pid());
  auto maps = readMaps(process);
  ASSERT_TRUE(maps);
  Tracees tracees = traceesOf(process);
  for (int round = 0; round < 3; round++) {
    ASSERT_STOPS(tracees);
    EXPECT_TRUE(tracees.stopped());
    ASSERT_EQ(tracees.threads().size(), threads);
    std::set<pid_t> ids;
    for (const StoppedThread &thread : tracees.threads()) {
      ids.insert(thread.tid);
      const Mapping *code = mappingAt(*maps, thread.registers.programCounter());
      EXPECT_TRUE(code && code->executable) << hexAddress(thread.registers.programCounter());
      EXPECT_TRUE(mappingAt(*maps, thread.registers.stackPointer()));
      EXPECT_EQ(threadState(process.pid(), thread.tid), 't');
    }
    EXPECT_EQ(ids.size(), threads);
    Bytes counts(64 * std::max(spinners, 1U));
    ASSERT_TRUE(process.read(crowd.counters, counts));
    const Tracees::Times times = tracees.times();
    EXPECT_LE(times.firstInterrupt, times.firstRunningInterrupt);
    EXPECT_LT(times.firstRunningInterrupt, times.allStopped);
    Bytes later(counts.size());
    ASSERT_TRUE(process.read(crowd.counters, later));
    EXPECT_EQ(counts, later); // nobody counts on
    tracees.resume();
    EXPECT_FALSE(tracees.stopped());
    EXPECT_LT(tracees.times().allStopped, tracees.times().lastRunningReleased);
    EXPECT_LE(tracees.times().lastRunningReleased, tracees.times().lastReleased);
    EXPECT_EQ(stateOf(crowd.child.pid()), before); // not traced between two stops either
    EXPECT_TRUE(crowd.answers());
    for (unsigned i = 0; i < spinners; i++) {
      RemoteAddress counter = crowd.counters + 64 * i;
      auto old = process.readWord(counter);
      ASSERT_TRUE(old);
      EXPECT_TRUE(eventually([&] { return process.readWord(counter).value_or(*old) != *old; })) << "spinner " << i;
    }
  }
  tracees.detach();
  EXPECT_EQ(stateOf(crowd.child.pid()), before);
  EXPECT_TRUE(process.stillSame());
}

TEST(Stop, OneSleepingThread) { stopAndGo(1, 0); }
TEST(Stop, ASleepingAndARunningThread) { stopAndGo(2, 1); }
TEST(Stop, EightThreads) { stopAndGo(8, 2); }
TEST(Stop, TwoHundredThreads) { stopAndGo(200, 3); }

TEST(Stop, RunningThreadsAreKnownAsSuch) {
  Crowd crowd(4, 1);
  Process process = opened(crowd.child.pid());
  Tracees tracees = traceesOf(process);
  ASSERT_STOPS(tracees);
  EXPECT_GE(std::ranges::count(tracees.threads(), true, &StoppedThread::running), 1);
  EXPECT_LE(std::ranges::count(tracees.threads(), true, &StoppedThread::running),
            2); // someone may be just going to sleep
}

TEST(Stop, TheExceptedThreadRunsOn) {
  Crowd crowd(3, 1);
  Process process = opened(crowd.child.pid());
  auto ids = threadIds(process.pid());
  ASSERT_TRUE(ids);
  pid_t spinner = (*ids)[1];
  Tracees tracees = traceesOf(process, {spinner});
  ASSERT_STOPS(tracees);
  EXPECT_EQ(tracees.threads().size(), 2U);
  for (const StoppedThread &thread : tracees.threads())
    EXPECT_NE(thread.tid, spinner);
  auto old = process.readWord(crowd.counters);
  ASSERT_TRUE(old);
  EXPECT_TRUE(eventually([&] { return process.readWord(crowd.counters).value_or(*old) != *old; }));
}

TEST(Stop, DestructionLetsGo) {
  Crowd crowd(8, 1);
  Process process = opened(crowd.child.pid());
  ProcessState before = stateOf(process.pid());
  {
    Tracees tracees = traceesOf(process);
    ASSERT_STOPS(tracees);
    EXPECT_NE(stateOf(process.pid()), before);
  }
  EXPECT_EQ(stateOf(process.pid()), before);
  EXPECT_TRUE(crowd.answers());
  {
    Tracees unused = traceesOf(process);
  }
  EXPECT_EQ(stateOf(process.pid()), before);
}

TEST(Stop, RegistersCanBeChanged) {
  Crowd crowd(1, 0);
  Process process = opened(crowd.child.pid());
  Tracees tracees = traceesOf(process);
  ASSERT_STOPS(tracees);
  Registers registers = tracees.threads()[0].registers, changed = registers;
  changed.setProgramCounter(registers.programCounter() + 1);
  ASSERT_TRUE(tracees.setRegisters(0, changed));
  EXPECT_EQ(tracees.threads()[0].registers.programCounter(), changed.programCounter());
  auto stored = readRegisters(process.pid());
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->programCounter(), changed.programCounter());
  ASSERT_TRUE(tracees.setRegisters(0, registers));
  tracees.resume();
  EXPECT_TRUE(crowd.answers());
}

TEST(Stop, MemoryIsWrittenWhileItStands) {
  Crowd crowd(2, 1);
  Process process = opened(crowd.child.pid());
  Tracees tracees = traceesOf(process);
  ASSERT_STOPS(tracees);
  // Not the counter that is in use: its thread may stand between its load and its store.
  RemoteAddress unused = crowd.counters + 64;
  Bytes mark{1, 2, 3, 4, 5, 6, 7, 8};
  ASSERT_TRUE(process.write(unused, mark));
  tracees.resume();
  EXPECT_EQ(process.read(unused, mark.size()).value_or(Bytes()), mark);
  EXPECT_TRUE(crowd.answers());
}

TEST(Stop, ThreadsThatAreBornAndDieMeanwhile) {
  Child child({target("births")});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  Tracees tracees = traceesOf(process);
  for (int round = 0; round < 300; round++) {
    ASSERT_STOPS(tracees);
    // Nobody is left who could create or end a thread: the list is ours, now and at a second look.
    std::set<pid_t> ours;
    for (const StoppedThread &thread : tracees.threads())
      ours.insert(thread.tid);
    for (int look = 0; look < 2; look++) {
      auto ids = threadIds(process.pid());
      ASSERT_TRUE(ids);
      for (pid_t tid : *ids) {
        std::string allowed = ours.contains(tid) ? "t" : "ZX";
        char state = threadState(process.pid(), tid);
        EXPECT_NE(allowed.find(state), std::string::npos) << tid << ' ' << state << ' ' << allowed;
      }
    }
    tracees.resume();
  }
  tracees.detach();
  EXPECT_EQ(stateOf(process.pid()).tracer, 0);
  auto births = [&] {
    child.send("\n");
    std::string line = child.lineWith("births ").value_or("births 0");
    return std::stoul(line.substr(7));
  };
  unsigned long before = births();
  EXPECT_GT(before, 0U);
  EXPECT_TRUE(eventually([&] { return births() > before; })); // and they go on
}

TEST(Stop, TheLimitOfThePauseIsKept) {
  Crowd crowd(64, 8);
  Process process = opened(crowd.child.pid());
  ProcessState before = stateOf(process.pid());
  Tracees tracees = traceesOf(process);
  // No time at all: refused or, with luck, stopped; in both cases nothing is left behind.
  for (int round = 0; round < 20; round++) {
    auto done = tracees.stop(in(std::chrono::seconds(10)), std::chrono::microseconds(0));
    EXPECT_TRUE(done || done.error().id == DiagnosticId::CannotStop) << messageOf(done);
    tracees.detach();
    EXPECT_EQ(stateOf(process.pid()), before);
  }
  EXPECT_TRUE(crowd.answers());
}

} // namespace
} // namespace lpc::runtime
