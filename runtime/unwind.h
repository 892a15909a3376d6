// Unwinding the stacks of stopped threads, by elfutils' libdw (.eh_frame, .debug_frame, vdso, signal frames).
//
// Everything slow (opening modules, finding tables) happens while the process runs, in prepare(). Data of the process
// and its files is not trusted: depth is bounded, and what does not reach the end is reported as incomplete.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/maps.h"
#include "runtime/modules.h"
#include "runtime/process.h"
#include "runtime/stop.h"

namespace lpc::runtime {

struct Backtrace {
  // [0] is the program counter; further ones are return addresses (the instruction after the call).
  std::vector<RemoteAddress> frames;
  // The outermost frame was reached: what is not in `frames` is not on the stack.
  bool complete = false;
};

// A frame with what a function that it called gives back to it: the registers that every function has to keep (System V
// x86-64 psABI: rbx, rbp, r12 to r15), as far as they are known.
struct CallerFrame {
  RemoteAddress programCounter, stackPointer;
  std::array<std::optional<uint64_t>, 6> kept{};
};

class Unwinder {
public:
  static Result<Unwinder> prepare(const Process &process, const std::vector<Mapping> &maps,
                                  const std::vector<Module> &modules);
  Unwinder(Unwinder &&) noexcept;
  Unwinder &operator=(Unwinder &&) noexcept;
  ~Unwinder();

  // While the thread is stopped by us (its registers are those of `thread`, memory is read through `process`), or
  // sleeps (runtime/sleeper.h).
  Backtrace trace(const StoppedThread &thread);
  // Is there a table for the frame that executes at `address`? libdw goes on by guess where there is none, and may
  // leave out frames.
  [[nodiscard]] bool knows(RemoteAddress address) const;
  // The same as trace() of a thread that stands, with the registers of each frame; [0] is where it stands.
  std::vector<CallerFrame> callers(const StoppedThread &thread);

private:
  struct Impl;
  explicit Unwinder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace lpc::runtime
