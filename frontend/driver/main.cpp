// lpc and livepatch: one program with two names, because a second one would be the same ten megabytes again.
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "frontend/driver/commands.h"
#include "frontend/driver/cut_files.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/standard_files.h"

namespace {

// A result that could not be written was not given: a full disk must not look like success. Nor like a patch that has
// errors, where a process may have it by now.
int written(int status, bool changesProcesses) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  std::perror("lpc: standard output");
  if (!changesProcesses) return status == lpc::driver::Done ? lpc::driver::PatchHasErrors : status;
  std::fputs("  state: what was done stands; `lpc status` says what is on which process\n", stderr);
  return status == lpc::driver::Done ? lpc::driver::StateIsUncertain : status;
}

} // namespace

int main(int argc, char **argv) {
  lpc::driver::holdStandardFiles();
  // Short sleeps, while a thread of the process is on its way to a stop, are to be short: the kernel adds 50 µs to
  // each.
  prctl(PR_SET_TIMERSLACK, 1);
  try {
    std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    std::string program = argc > 0 ? argv[0] : "lpc";
    bool asLivepatch = program.substr(program.rfind('/') + 1) == "livepatch";
    bool changesProcesses =
        asLivepatch || (!words.empty() && (words[0] == "apply" || words[0] == "revert" || words[0] == "run"));
    lpc::driver::expectCutFiles(changesProcesses);
    int status = written(lpc::driver::run(words, asLivepatch), changesProcesses);
#ifndef __SANITIZE_ADDRESS__
    std::quick_exit(status); // what is left to destroy are tables of ANTLR and LLVM, which takes as long as a pause
#endif
    return status;
  } catch (const std::exception &error) { // destructors have let every process go on the way here
    std::fprintf(stderr, "lpc: bug: %s\n", error.what());
    return lpc::driver::Bug;
  }
}
