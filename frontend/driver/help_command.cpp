// lpc help [COMMAND] [--emit text|man|bash|zsh]
#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/help.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

int unknownTopic(const std::string &topic) {
  std::vector<std::string> topics = {"livepatch", "instructions", "diagnostics"};
  for (const Command &command : commands())
    topics.emplace_back(command.name);
  auto near = nearest(topic, topics);
  printError("lpc help",
             {.id = DiagnosticId::Usage,
              .message = cat("there is no command `", topic, "`"),
              .notes = {},
              .help = near.empty() ? "`lpc help` lists the commands" : cat("did you mean `", near.front(), "`?"),
              .place = {}});
  return WrongUsage;
}

} // namespace

int runHelp(const Arguments &arguments) {
  Emit emit = arguments.emit.value_or(Emit::Text);
  if (emit == Emit::Bash || emit == Emit::Zsh) {
    print(emit == Emit::Bash ? bashCompletion() : zshCompletion());
    return Done;
  }
  if (arguments.operands.empty()) {
    print(emit == Emit::Man ? manualOverview() : overviewText());
    return Done;
  }
  const std::string &topic = arguments.operands.front();
  if (topic == "instructions") {
    print(instructionsText());
    return Done;
  }
  if (topic == "diagnostics") {
    print(diagnosticsText());
    return Done;
  }
  const Command *command = topic == livepatchCommand().name ? &livepatchCommand() : commandNamed(topic);
  if (command == nullptr) return unknownTopic(topic);
  print(emit == Emit::Man ? manual(*command) : helpText(*command));
  return Done;
}

} // namespace lpc::driver
