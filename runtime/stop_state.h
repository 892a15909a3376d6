// The state of a stop, for the files that make it: stop.cpp (looking, stopping), stop_born.cpp (threads that are born
// meanwhile), stop_release.cpp (letting go). Everybody else includes stop.h.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "runtime/realtime.h"
#include "runtime/seize.h"
#include "runtime/stop.h"
#include "runtime/task_list.h"
#include "runtime/tracee.h"

namespace lpc::runtime {

// Settled: was runnable at the first look, and blocked at a later one.
enum class Pass : uint8_t { Uninterruptible, Blocked, Settled, Running, Done, DoneRunning };

// How long threads that were interrupted in vain are waited for at the end of all (on a loaded machine it may be long
// before one is on a processor).
constexpr std::chrono::milliseconds kLastGrace{1000};

struct Tracees::Impl {
  Impl(const Process &target, std::vector<pid_t> left);
  ~Impl(); // lets all go

  const Process *process;
  std::vector<pid_t> except;
  std::optional<TaskList> tasks{};
  Ticker ticker{tickWhileSeizing};
  Realtime realtime{};
  Times times{};
  bool stopped = false;
  bool killed = false;   // a thread was, while it stood
  bool parallel = false; // they can run on another processor while we run

  // Two halves of the same rows: what the caller sees, and what is ours.
  std::vector<StoppedThread> threads{};
  std::vector<Tracee> tracees{};
  std::vector<Pass> passes{};
  std::vector<int> processors{};              // that each ran on when it was looked at
  std::vector<const StoppedThread *> stood{}; // of the pass
  size_t sorted = 0;                          // so many rows from the front are ascending by id
  // In the task list for good, but not ours: the agent's threads, and a first thread that has ended before others.
  size_t lasting = 0;
  size_t kernelWorkers = 0; // counted among them
  size_t counted = 0;       // threads of the process, when those that ran stood
  int theirs = 0;           // the highest real-time priority of a thread
  bool leaderEnded = false; // counted among them
  Deadline limit{};         // of this stop
  Deadline eager{};         // until then, threads that run on another processor are not waited for asleep
  int ownProcessor = -1;    // since `eager` was set
  const Inspection *inspect = nullptr;

  static std::vector<Impl *> &live(); // all objects there are, for the handler of bugs
  static void releaseAll();

  bool seizeTracee(Tracee &tracee) const;
  Result<void> prepare();
  Result<void> stopEverything(std::chrono::microseconds maxPause);
  Result<void> stopPass(Pass pass, size_t from);
  bool findSettled();
  Result<void> seize(size_t index);
  Result<void> await(size_t index);
  Result<void> read(size_t index);
  Result<bool> runOn(size_t index, std::chrono::microseconds time);
  void waitEagerly();
  Result<void> countThem();
  Result<void> stopBorn();
  void addBorn();
  void addRow(pid_t tid, Pass pass, int processor);
  void countLeader() { lasting++, leaderEnded = true; }
  void countWorker() { lasting++, kernelWorkers++; }
  void lookForEnded();
  [[nodiscard]] bool known(pid_t tid) const;
  [[nodiscard]] size_t standing() const;
  void dropEnded();
  void giveUp(Tracee &tracee);
  void release();
  void releaseThose(bool running);
  void letGo();
};

} // namespace lpc::runtime
