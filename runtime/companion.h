// A process of ours that looks after this one while it becomes another program.
//
// The program keeps everything that is ours (process id, parent, terminal, descriptors, signals), and gets nothing: the
// companion is no child of it, and in no group of processes or session of it.
#pragma once

#include <sys/types.h>

#include "runtime/process.h"

namespace lpc::runtime {

struct Companion {
  bool inside = false; // this is the companion, and `other` the process that becomes a program
  pid_t other = 0;
  FileDescriptor channel{}; // to the other; closed when the program begins

  // One number to the other. False: the other has ended.
  [[nodiscard]] bool say(int number) const;
  [[nodiscard]] bool hear(int &number) const; // the other's, when it comes
};

// Returns in both processes. The companion may trace the other; it has no descriptors but standard error and the
// channel, and standard input and output lead nowhere. No signal is raised for its coming and going. RemoteCallFailed,
// WorkerLost. To be called while there is one thread.
Result<Companion> makeCompanion();

} // namespace lpc::runtime
