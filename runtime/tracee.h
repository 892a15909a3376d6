// One thread of another process under ptrace, and the only place that waits for one.
//
// Every wait for a tracee goes through look() and await(), which keep three rules: by its id, never for "any"
// (quadratic in the number of threads, and it would swallow other people's children); with WNOWAIT (a signal in
// delivery survives our death); and never without an end (the ticker interrupts each wait every few milliseconds).
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <time.h>

#include "runtime/registers.h"

namespace lpc::runtime {

enum class TraceeState : uint8_t {
  Loose,       // not ours
  Seized,      // ours, and running on
  Interrupted, // asked to stop, has not been seen to
  Stopped,
  Ended
};

struct Tracee {
  pid_t tid = 0, process = 0;
  TraceeState state = TraceeState::Loose;
  int signal = 0;         // in delivery when it stopped; handed over when it is let go
  bool groupStop = false; // stands because of a SIGSTOP or the like that is none of ours

  // Asks it to stop, also once more. False where it is no tracee of ours: it has ended, or was none.
  bool interrupt();

  // Takes its remains away if it has been killed, and does nothing else. Can be called from a signal handler. (Not
  // those of a first thread, whose end nobody waits for us to see but its parent.)
  void reapIfEnded() const;

  // Its state, without waiting (it may come back under another id, that of its process: it has executed a program):
  // Stopped, Ended (it is reaped, unless it is a child of our own and its parent's wait is ours), or as before.
  void look();
  // As look, after blocking until there is something to see, or until the ticker ticks.
  void await();

  // The registers of a stopped thread, after the cure of the call that the stop interrupted. False when it was killed.
  bool readRegisters(Registers &into) const;
  // Lets a stopped thread run on with its signal, and stays attached: it is Seized. Not out of a group stop. False when
  // it was killed: it is Interrupted, as its end is to come.
  bool runOn();
  // Detaches a stopped thread with its signal: it runs on, or stays in its group stop. False when it was killed.
  bool release();

private:
  void wait(int extraOption);
};

// A timer that interrupts blocking calls of this thread while it runs: what gives every wait an end without polling.
// (Polling starves a tracee on the same processor; a timeout that waits have by themselves exists only for signals, and
// SIGCHLD arrives for every tracee, not for the one waited for.)
class Ticker {
public:
  // `onTick` runs in the signal handler of every tick: nothing in it may allocate or lock; it may jump out of it. The
  // last one given serves all tickers.
  explicit Ticker(void (*onTick)());
  ~Ticker();
  Ticker(const Ticker &) = delete;
  Ticker &operator=(const Ticker &) = delete;
  // A tick comes 2 ms later, and one 2 ms after each that was served. One ticker runs at a time.
  void start() const;
  void stop() const;
  static void again(); // for an `onTick` that jumps: orders the next tick

private:
  timer_t timer_{};
};

} // namespace lpc::runtime
