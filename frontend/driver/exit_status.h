// The exit statuses of every command: what happened, and what became of the process (CONTRIBUTING.md, "Errors").
#pragma once

#include <span>

#include "frontend/pipeline.h"
#include "ir/support/diagnostic.h"

namespace lpc::driver {

// The larger, the worse: the status of a command that worked on several processes is the largest of theirs.
enum ExitStatus : int {
  Done = 0,
  PatchHasErrors = 1,
  WrongUsage = 2,
  ProcessRefused = 3, // the process is untouched
  WasRolledBack = 4,
  StateIsUncertain = 5,
  Bug = 70,
  CommandNotExecutable = 126, // `lpc run` and shells
  CommandMissing = 127,
};

// Of an error that kept a command from doing anything.
ExitStatus statusOf(DiagnosticId id);
// Of an outcome of the executor.
ExitStatus statusOf(const backend::Outcome &outcome);

} // namespace lpc::driver
