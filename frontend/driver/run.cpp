// From the words of the command line to a command.
#include <vector>

#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/help.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

int wrongUsage(std::string_view program, Error error) {
  if (error.help.empty()) error.help = cat("see `", program, " --help`");
  printError(program, error);
  return WrongUsage;
}

Error usage(std::string message, std::string help = {}) {
  return {.id = DiagnosticId::Usage, .message = std::move(message), .notes = {}, .help = std::move(help), .place = {}};
}

// What the options' table cannot say.
Result<void> checkOperands(const Command &command, const Arguments &arguments) {
  size_t count = arguments.operands.size();
  if (count < command.fewest && !arguments.explain)
    return std::unexpected(usage(cat("`", command.program, "` wants ", command.operands)));
  if (count > command.most)
    return std::unexpected(usage(cat("`", arguments.operands[command.most], "` is one argument too many"),
                                 cat("usage: ", usageLine(command))));
  if (arguments.all && !arguments.pids.empty()) return std::unexpected(usage("`--all` and `--pid` exclude each other"));
  if (arguments.pids.size() < command.fewestProcesses && !arguments.all)
    return std::unexpected(usage(cat("`", command.program, "` wants a process: --pid PID")));
  if (arguments.pids.size() > command.mostProcesses)
    return std::unexpected(usage(cat("`", command.program, "` takes one process")));
  return {};
}

int runCommand(const Command &command, std::span<const std::string> words) {
  Result<Arguments> arguments = parseOptions(words, command.options);
  if (!arguments) return wrongUsage(command.program, std::move(arguments.error()));
  if (arguments->help) {
    print(helpText(command));
    return Done;
  }
  if (arguments->version) {
    print(versionText());
    return Done;
  }
  if (Result<void> right = checkOperands(command, *arguments); !right)
    return wrongUsage(command.program, std::move(right.error()));
  return command.run(*arguments);
}

} // namespace

int run(std::span<const std::string> words, bool asLivepatch) {
  if (asLivepatch) return runCommand(livepatchCommand(), words);

  if (words.empty()) return wrongUsage("lpc", usage("a command is missing"));
  const std::string &first = words.front();
  if (first.starts_with('-')) {
    constexpr std::array kOptions = {OptionId::Help, OptionId::Version};
    Result<Arguments> arguments = parseOptions(words.first(1), kOptions);
    if (!arguments) return wrongUsage("lpc", std::move(arguments.error()));
    print(arguments->version ? versionText() : overviewText());
    return Done;
  }
  if (const Command *command = commandNamed(first)) return runCommand(*command, words.subspan(1));

  std::vector<std::string> names;
  for (const Command &command : commands())
    names.emplace_back(command.name);
  auto near = nearest(first, names);
  return wrongUsage("lpc", usage(cat("unknown command `", first, "`"),
                                 near.empty() ? "" : cat("did you mean `", near.front(), "`?")));
}

} // namespace lpc::driver
