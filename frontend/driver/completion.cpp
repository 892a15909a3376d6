// Completion for bash and zsh. Both ask the tables at the time they are generated, not lpc at the time of the key
// press: that is what keeps a completion from costing a process start.
#include "frontend/driver/help.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

bool wantsFile(const OptionInfo &option) { return option.value == "ELF" || option.value == "FILE"; }

std::string joined(const std::vector<std::string_view> &words) {
  std::string out;
  for (std::string_view word : words)
    out += cat(out.empty() ? "" : " ", word);
  return out;
}

std::string optionWords(const Command &command) {
  std::string out;
  for (OptionId id : command.options)
    out += cat(out.empty() ? "--" : " --", info(id).name);
  return out;
}

std::string commandWords() {
  std::string out;
  for (const Command &command : commands())
    out += cat(out.empty() ? "" : " ", command.name);
  return out;
}

// What follows an option of `command` in bash: an arm of a case statement for each option with a value.
std::string bashValues(const Command &command) {
  std::string out;
  for (OptionId id : command.options) {
    const OptionInfo &option = info(id);
    if (option.value.empty()) continue;
    std::string words = "COMPREPLY=()";
    if (!option.choices().empty())
      words = cat("COMPREPLY=($(compgen -W '", joined(option.choices()), "' -- \"$word\"))");
    else if (wantsFile(option))
      words = "COMPREPLY=($(compgen -f -- \"$word\"))";
    else if (option.value == "PID")
      words = "COMPREPLY=($(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$word\"))";
    out += cat("        --", option.name, ") ", words, "; return ;;\n");
  }
  return out;
}

// Text inside single quotes of a zsh specification "--name[help]:value:action".
std::string zshQuoted(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':')
      out += cat("\\", c);
    else
      out += c;
  }
  return out;
}

std::string zshOption(const OptionInfo &option) {
  std::string value;
  if (!option.choices().empty())
    value = cat(":", option.name, ":(", joined(option.choices()), ")");
  else if (wantsFile(option))
    value = cat(":", option.value, ":_files");
  else if (option.value == "PID")
    value = ":PID:_pids";
  else if (!option.value.empty())
    value = cat(":", option.value, ":");
  return cat("      '", option.repeated ? "*" : "", "--", option.name, option.value.empty() ? "" : "=", "[",
             zshQuoted(option.help), "]", value, "' \\\n");
}

std::string zshOperand(const Command &command) {
  if (command.operands == "PATCH") return "      '1:patch:_files -g \"*.(lp|lpir)\"'\n";
  if (command.operands == "PATCH...") return "      '*:patch:_files'\n";
  if (command.operands == "[COMMAND]") return cat("      '1:command:(", commandWords(), " livepatch instructions)'\n");
  return "      '1:PID:_pids' '2:program:_files'\n";
}

std::string zshArguments(const Command &command) {
  std::string out = "    _arguments \\\n";
  for (OptionId id : command.options)
    out += zshOption(info(id));
  return out + zshOperand(command);
}

} // namespace

std::string bashCompletion() {
  std::string out = "# bash completion of lpc and livepatch; made by `lpc help --emit bash`\n"
                    "_lpc() {\n"
                    "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=\n"
                    "  if [[ $COMP_CWORD -eq 1 ]]; then\n";
  out += cat("    COMPREPLY=($(compgen -W '", commandWords(), " --help --version' -- \"$word\")); return\n  fi\n");
  out += "  case ${COMP_WORDS[1]} in\n";
  for (const Command &command : commands())
    out += cat("    ", command.name, ")\n      options='", optionWords(command), "'\n      case $before in\n",
               bashValues(command), "      esac ;;\n");
  out += "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n";
  out += cat("  elif [[ ${COMP_WORDS[1]} == help ]]; then\n    COMPREPLY=($(compgen -W '", commandWords(),
             " livepatch instructions' -- \"$word\"))\n");
  out += "  else\n"
         "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _lpc lpc\n"
         "_livepatch() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]}\n"
         "  case $word in\n";
  out += cat("    -*) COMPREPLY=($(compgen -W '", optionWords(livepatchCommand()), "' -- \"$word\")) ;;\n");
  out += "    *) COMPREPLY=($(compgen -W \"$(cd /proc && echo [0-9]*)\" -- \"$word\") $(compgen -f -- \"$word\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _livepatch livepatch\n";
  return out;
}

std::string zshCompletion() {
  std::string out = "#compdef lpc livepatch\n# zsh completion of lpc and livepatch; made by `lpc help --emit zsh`\n"
                    "if [[ $service == livepatch ]]; then\n";
  out += zshArguments(livepatchCommand());
  out += "  return\nfi\nif (( CURRENT == 2 )); then\n  local -a commands=(\n";
  for (const Command &command : commands())
    out += cat("    '", command.name, ":", zshQuoted(command.summary), "'\n");
  out += "  )\n  _describe command commands\n  _arguments '--help[print this help]' '--version[print the version of "
         "lpc]'\n  return\nfi\n"
         "local command=$words[2]\nshift words\n(( CURRENT-- ))\ncase $command in\n";
  for (const Command &command : commands())
    out += cat("  ", command.name, ")\n", zshArguments(command), "    ;;\n");
  return out + "esac\n";
}

} // namespace lpc::driver
