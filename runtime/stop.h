// Stopping every thread of a process, and letting it go as if nothing had been.
//
// The protocol of the executor notes: seize all first (disturbs nobody), interrupt blocked threads first and running ones
// last, wait for each by its id with WNOWAIT, repeat until a pass over the task list finds none new; release running
// threads first. Group stops are kept, signals in delivery are given back, calls that fail with EINTR because of us are restarted.
// Destroying an object in any state lets every thread go.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtime/process.h"
#include "runtime/registers.h"

namespace lpc::runtime {

struct StoppedThread {
  pid_t tid = 0;
  bool running = false;   // was on a processor or runnable when we looked
  Registers registers{};  // valid while stopped
};

// Threads are seized by the constructor's caller once and kept across several stops (retries), so that a retry
// interrupts only. Owns the ptrace attachments; move-only; all calls from the thread that called seize().
class Tracees {
public:
  // Seizes all threads but those in `except` (our own agent). AlreadyTraced, NotPermitted, ProcessGone.
  static Result<Tracees> seize(const Process &process, std::vector<pid_t> except, Deadline deadline);
  Tracees(Tracees &&) noexcept;
  Tracees &operator=(Tracees &&) noexcept;
  ~Tracees(); // detaches

  // All threads stand when it returns; seizes what was born meanwhile. On error everything runs again:
  // CannotStop, PendingVfork, ProcessGone. `maxPause` bounds the time since the first running thread was interrupted.
  Result<void> stop(Deadline deadline);
  [[nodiscard]] const std::vector<StoppedThread> &threads() const; // of the current stop
  Result<void> setRegisters(size_t index, const Registers &registers);
  // Lets all threads run, still seized; running ones first.
  void resume();
  // Lets all threads run and ends the attachments.
  void detach();

  struct Times { // microseconds, of the last stop, CLOCK_MONOTONIC
    double firstInterrupt = 0;        // absolute
    double firstRunningInterrupt = 0; // absolute; equals firstInterrupt when nothing ran
    double allStopped = 0;            // absolute
    double lastRunningReleased = 0;   // absolute, after resume or detach
    double lastReleased = 0;          // absolute, after resume or detach
  };
  [[nodiscard]] const Times &times() const;

private:
  struct Impl;
  explicit Tracees(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

double monotonicMicroseconds();

} // namespace lpc::runtime
