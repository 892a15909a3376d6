// Reading a page of a mapped file behind the file's new end raises SIGBUS (mmap(2)). Going on with zeros in its place
// was rejected: what would then be proved would be proved of a file that never was.
#include "frontend/driver/cut_files.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "frontend/driver/exit_status.h"

namespace lpc::driver {
namespace {

int endStatus = PatchHasErrors;

void say(std::string_view text) {
  while (!text.empty()) {
    ssize_t n = write(STDERR_FILENO, text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

void atCutFile(int /*signal*/, siginfo_t *info, void * /*context*/) {
  if (info->si_code != BUS_ADRERR) { // not of a file
    signal(SIGBUS, SIG_DFL);
    return; // and it comes again
  }
  say("lpc: error: a file became shorter while it was read [cannot-open]\n  help: run the command again\n");
  if (endStatus == StateIsUncertain)
    say("  state: the process runs on; `lpc status` says what is on it, and the next command repairs what was left\n");
  _exit(endStatus);
}

} // namespace

void expectCutFiles(bool changesProcesses) {
  endStatus = changesProcesses ? StateIsUncertain : PatchHasErrors;
  struct sigaction action{};
  action.sa_sigaction = atCutFile;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

} // namespace lpc::driver
