// The file behind the name of a command, as execvp(3) finds it.
#pragma once

#include <expected>
#include <string>

#include "ir/support/result.h"

namespace lpc::driver {

struct CommandFile {
  std::string path;          // for execve
  std::string interpreter{}; // of a script: what stands behind its `#!`
};

// A name with a slash is a path; others are looked for in PATH. CannotOpen, with the status that a shell has for it:
// 127 where there is none, 126 where it is not executable; 3 (as `lpc apply` where it refuses) where executing it would
// give it privileges that a traced program does not get (NotPermitted).
struct NoCommand {
  int status = 0;
  Error error;
};
std::expected<CommandFile, NoCommand> findCommand(const std::string &name);

// Why execve(2) did not: its errno.
NoCommand notExecuted(const CommandFile &file, int errnum);

} // namespace lpc::driver
