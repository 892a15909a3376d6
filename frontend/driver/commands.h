// The commands of lpc: one table, and one file for each that is in it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "frontend/driver/options.h"

namespace lpc::driver {

struct Command {
  std::string_view name;         // "apply"
  std::string_view program;      // as the usage line begins: "lpc apply"; "livepatch" for the program of that name
  std::string_view operands;     // "PATCH"
  std::string_view afterwards{}; // of the usage line, behind the options: "< SCRIPT"
  size_t fewest = 0, most = 0;   // operands
  size_t fewestProcesses = 0, mostProcesses = 1; // --pid
  std::string_view summary;                      // a line, lower case
  std::string_view description;                  // paragraphs, separated by empty lines
  std::string_view example;                      // lines of a shell, each with what it does behind a #
  std::span<const OptionId> options;
  int (*run)(const Arguments &); // the exit status
};

std::span<const Command> commands(); // of lpc, in the order of a patch's life
const Command *commandNamed(std::string_view name);
const Command &livepatchCommand(); // the program of 2004

int runCheck(const Arguments &arguments);
int runBuild(const Arguments &arguments);
int runPlan(const Arguments &arguments);
int runApply(const Arguments &arguments);
int applyToAll(const PatchText &text, const Arguments &arguments); // apply --all
int runRun(const Arguments &arguments);
int runRevert(const Arguments &arguments);
int revertFromAll(const std::string &name, const Arguments &arguments); // revert --all
int runStatus(const Arguments &arguments);
int runDump(const Arguments &arguments);
int runFmt(const Arguments &arguments);
int runHelp(const Arguments &arguments);
int runLivepatch(const Arguments &arguments);

// The whole of lpc (or, as `livepatch`, of the program of 2004): from the words of the command line to the exit status.
int run(std::span<const std::string> words, bool asLivepatch);

} // namespace lpc::driver
