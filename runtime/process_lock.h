// One lpc at a time on a process: two would put their code into the same padding, and one would take away what the
// other's thread executes.
#pragma once

#include "runtime/process.h"

namespace lpc::runtime {

class ProcessLock {
public:
  // Waits for another lpc until the deadline. AlreadyTraced (the other one is still at work), NotPermitted,
  // ProcessGone.
  static Result<ProcessLock> take(const Process &process, Deadline deadline);

private:
  explicit ProcessLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_; // closing it, or our death, gives the lock back
};

} // namespace lpc::runtime
