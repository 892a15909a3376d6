// Stopping every thread of a process, and letting it go as if nothing had been.
//
// The protocol of the executor notes: blocked threads are stopped first and running ones last, each is waited for by
// its id with WNOWAIT, and this is repeated until a pass over the task list finds none new; running threads are
// released first. Group stops are kept, signals in delivery are given back, calls that fail with EINTR because of us
// are restarted. Destroying an object in any state lets every thread go.
//
// A thread that is traced stops at every signal, whether its tracer wants it or not, and waits there to be sent on. So
// no thread is ever left seized and running: it is seized right before it is interrupted, within stop(), and resume()
// ends the attachment instead of keeping it. Between two stops the process is untraced, its signals take their usual
// way, and nobody has to attend to it. The price is a SEIZE a thread and stop (1 µs, outside of the pause, disturbs
// nobody).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/process.h"
#include "runtime/registers.h"

namespace lpc::runtime {

struct StoppedThread {
  pid_t tid = 0;
  bool running = false;  // was on a processor or runnable when we looked
  Registers registers{}; // valid while stopped
};

// Looks at threads that stand, while others may run still. An error ends the stop, and everything runs again.
using Inspection = std::function<Result<void>(std::span<const StoppedThread *const>)>;

// One for several stops (retries) of the same process; move-only; all calls from the thread of ours that called
// seize().
class Tracees {
public:
  // Makes ready to stop all threads but those in `except` (our own agent), which must not create threads during a stop.
  // `process` must outlive the object, and not be moved meanwhile. ProcessGone.
  static Result<Tracees> seize(const Process &process, std::vector<pid_t> except, Deadline deadline);
  Tracees(Tracees &&) noexcept;
  Tracees &operator=(Tracees &&) noexcept;
  ~Tracees(); // detaches

  // All threads stand when it returns, those included that were born meanwhile; the program is the one that was opened.
  // On error everything runs again: AlreadyTraced, NotPermitted, CannotStop, PendingVfork (worth another try in some
  // milliseconds, as is CannotStop), ProcessGone, ProcessChanged, and what `inspect` says. `maxPause` bounds the time
  // since the first running thread was interrupted. `inspect` sees every thread once it stands: the blocked ones while
  // the others run on, so that only looking at those that ran is part of the pause.
  Result<void> stop(Deadline deadline, std::chrono::microseconds maxPause = std::chrono::microseconds::max(),
                    const Inspection &inspect = {});
  // Only from within `inspect`, for a thread that was `running`: lets it run on for about so long, while the others
  // that stand do so, and stops it again. True: its registers are those of now. False: it has ended. Errors as of
  // stop(); CannotStop also where a signal has stopped it.
  Result<bool> runOn(const StoppedThread &thread, std::chrono::microseconds time);
  [[nodiscard]] bool stopped() const;
  [[nodiscard]] const std::vector<StoppedThread> &threads() const; // of the current or last stop
  Result<void> setRegisters(size_t index, const Registers &registers);
  // Lets all threads run, running ones first; nothing where none stands.
  void resume();
  // The same, and gives up what could not be let go before (a thread that was interrupted and did not stop in time).
  void detach();

  // Whether lpc runs with real-time priority (SCHED_FIFO, the lowest), where it may, until the last release: from the
  // interruption of the first running thread, or of the first one at all where they are some hundreds at most. On by
  // default: with more runnable threads than processors, it is what keeps the pause short.
  void setRealtime(bool on);

  struct Times {                      // microseconds, of the last stop (or attempt), CLOCK_MONOTONIC
    double firstInterrupt = 0;        // absolute
    double firstRunningInterrupt = 0; // absolute; equals firstInterrupt when nothing ran
    double allStopped = 0;            // absolute
    double lastRunningReleased = 0;   // absolute, after resume or detach; equals lastReleased when nothing ran
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
