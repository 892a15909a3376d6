// A program at its beginning: led to its entry point, parked there while a patch is applied, and let go.
//
// At its entry point (AT_ENTRY) no instruction of the program has run, and its dynamic linker has done its work: what
// is linked at start is mapped and relocated. With glibc the constructors of the libraries have run, but none of the
// program; with musl none at all. A static program has not relocated itself yet.
//
// A program that has not begun needs no survival: from attach() to begin() it ends when lpc does.
#pragma once

#include <sys/user.h>

#include <optional>
#include <vector>

#include "runtime/process.h"
#include "runtime/traced_thread.h"

namespace lpc::runtime {

class Launch {
public:
  // `pid` is about to execute the program, in code of ours. NotPermitted, ProcessGone.
  static Result<Launch> attach(pid_t pid);

  // Waits until the program stands at its entry point. False: it ended before, or there is none. What Process::open
  // refuses, CannotStop.
  Result<bool> reachEntry();

  // At the entry: what a program without a dynamic linker is still to write there by relocating itself. Ascending.
  std::vector<RemoteRange> unfinished() const;

  // From the entry: it sleeps there, attached to nobody, a process that can be patched like any other.
  // NoAgent, RemoteCallFailed, ProcessGone.
  Result<void> park();

  // From the park: it begins, with the registers and the descriptors that it had at its entry. ProcessGone.
  Result<void> begin();

  // Instead, wherever it stands: it ends with `status`, and nothing of it has run.
  void end(int status);

private:
  explicit Launch(pid_t pid) : pid_(pid) {}
  Result<void> stop();
  Result<RemoteAddress> stopAtEntry();
  Result<int64_t> call(long number, uint64_t first);
  Result<void> write(RemoteAddress to, BytesView bytes) const;

  pid_t pid_;
  TracedThread thread_{}; // empty while it is parked
  std::optional<Process> process_{};
  user_regs_struct entry_{}; // registers at the entry point
  RemoteAddress stub_{};     // 0: not parked
  int descriptor_ = -1;      // of the program, in the park
  int signal_ = 0;           // that it stands before, to be given back
};

} // namespace lpc::runtime
