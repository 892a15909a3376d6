// The patches of `lpc run`: put onto a program that has not begun, or, for libraries that it opens later, when it does.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "frontend/driver/command_file.h"
#include "frontend/driver/library_watch.h"
#include "frontend/driver/options.h"
#include "frontend/pipeline.h"

namespace lpc::driver {

// One patch of the command line and what became of it.
struct RunPart {
  explicit RunPart(PatchText read) : text(std::move(read)) {}
  PatchText text;
  std::vector<Attempt> attempts{}; // at most one
  bool waiting = false;            // its library is not loaded; what is to be applied is
                                   // in the attempt's compilation
};

class RunPatches {
public:
  RunPatches(const Arguments &arguments, CommandFile command) : arguments_(arguments), command_(std::move(command)) {}
  void add(PatchText text) { parts_.push_back(std::make_unique<RunPart>(std::move(text))); }

  // Applies them in their order, to a process at its entry point. Says what is to be said, and returns the status: of
  // the first that is neither in nor waits, or Done. `unfinished`: what the program writes itself when it begins
  // (runtime/launch.h).
  int apply(pid_t pid, std::vector<RemoteRange> unfinished);
  [[nodiscard]] bool waiting() const;
  // Stays until none waits, or the process has ended; after apply(), when the process runs.
  void follow(pid_t pid);

  // No patch is to blame: the message, or the document. Returns `status`. Before there is a process, and when there is
  // one already, which will be ended.
  int refuse(const Error &error, int status) const { return refuse(error, status, "the command was not started"); }
  int giveUp(const Error &error, int status) const { return refuse(error, status, endedState()); }

private:
  int refuse(const Error &error, int status, const std::string &state) const;
  [[nodiscard]] std::string endedState() const;
  Attempt attempt(const RunPart &part, pid_t pid, const backend::PlayOptions &options) const;
  [[nodiscard]] std::optional<Error> lostAtStart(const backend::Plan &plan) const;
  int applyOne(RunPart &part, pid_t pid, const backend::PlayOptions &options);
  void fallBack(RunPart &part, pid_t pid, const backend::PlayOptions &options) const;
  bool applyOpened(pid_t pid);
  void say(const RunPart &part, int status) const;
  void printDocument(const std::vector<Diagnostic> &problems, int status) const;
  [[nodiscard]] bool asJson() const { return arguments_.format == Format::Json; }

  const Arguments &arguments_;
  CommandFile command_;
  std::vector<std::unique_ptr<RunPart>> parts_;
  std::vector<RemoteRange> unfinished_;
  std::optional<LibraryWatch> watch_;
};

} // namespace lpc::driver
