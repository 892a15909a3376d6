// lpc run PATCH... [--target ELF] [--object NAME=FILE] [--timeout TIME] [--format text|json] -- COMMAND [ARG...]
//
// lpc itself becomes COMMAND; what applies the patches is a companion process (runtime/companion.h), which has gone
// when COMMAND begins, unless a patch waits for a library.
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/help.h"
#include "frontend/driver/run_patches.h"
#include "frontend/driver/trust.h"
#include "ir/support/cat.h"
#include "runtime/companion.h"
#include "runtime/launch.h"

namespace lpc::driver {
namespace {

int wrongUsage(std::string message) {
  printError("lpc run",
             fail(DiagnosticId::Usage, std::move(message), cat("usage: ", usageLine(*commandNamed("run")))).error());
  return WrongUsage;
}

// The companion's work, from the attachment to the first instruction of COMMAND. Its own exit status is nobody's.
int accompany(RunPatches &patches, const runtime::Companion &companion) {
  auto launch = runtime::Launch::attach(companion.other);
  if (!launch) {
    (void)companion.say(patches.refuse(launch.error(), statusOf(launch.error().id)));
    return Done;
  }
  if (!companion.say(Done)) return Done;
  auto giveUp = [&](const Error &error) {
    int status = statusOf(error.id);
    if (error.id != DiagnosticId::ProcessGone) patches.giveUp(error, status);
    launch->end(status);
    return Done;
  };
  auto reached = launch->reachEntry();
  if (!reached) return giveUp(reached.error());
  if (!*reached) return Done;
  std::vector<RemoteRange> unfinished = launch->unfinished();
  if (auto parked = launch->park(); !parked) return giveUp(parked.error());
  if (int status = patches.apply(companion.other, std::move(unfinished)); status != Done) {
    launch->end(status);
    return Done;
  }
  if (auto begun = launch->begin(); !begun) return giveUp(begun.error());
  if (!patches.waiting()) return Done;
  (void)!chdir("/"); // not to be in the way for as long as the program runs
  patches.follow(companion.other);
  return Done;
}

// Becomes COMMAND; returns where that failed.
int become(const RunPatches &patches, const CommandFile &command, std::span<const std::string> arguments) {
  std::vector<char *> words;
  for (const std::string &word : arguments)
    words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  prctl(PR_SET_TIMERSLACK, 0); // what it was before main
  execve(command.path.c_str(), words.data(), environ);
  NoCommand failed = notExecuted(command, errno);
  return patches.refuse(failed.error, failed.status);
}

} // namespace

int runRun(const Arguments &arguments) {
  size_t count = arguments.dashes.value_or(arguments.operands.size());
  if (count == 0) return wrongUsage("`lpc run` wants PATCH before `--`");
  if (count == arguments.operands.size()) return wrongUsage("`lpc run` wants a command behind `--`");
  auto words = std::span(arguments.operands).subspan(count);
  auto command = findCommand(words.front());
  RunPatches patches(arguments, command.value_or(CommandFile{words.front()}));
  for (const std::string &patch : std::span(arguments.operands).first(count)) {
    auto text = readTrusted(patch, arguments.publicKey);
    if (!text) return patches.refuse(text.error(), statusOf(text.error().id));
    patches.add(std::move(*text));
  }
  if (!command) return patches.refuse(command.error().error, command.error().status);

  (void)std::fflush(nullptr); // what is buffered would be written by both
  auto companion = runtime::makeCompanion();
  if (!companion) return patches.refuse(companion.error(), statusOf(companion.error().id));
  if (companion->inside) return accompany(patches, *companion);
  int status = 0;
  if (!companion->hear(status))
    return patches.refuse(fail(DiagnosticId::WorkerLost, "lpc's own process for the patch was ended").error(),
                          ProcessRefused);
  return status == Done ? become(patches, *command, words) : status;
}

} // namespace lpc::driver
