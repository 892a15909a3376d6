// --help, written from the tables for a terminal of 80 columns or more.
#include "frontend/driver/help.h"

#include <array>

#include "frontend/driver/exit_status.h"
#include "ir/instructions.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

constexpr size_t kWidth = 80;

constexpr std::array kStatuses = {
    StatusRow{Done, "done"},
    StatusRow{PatchHasErrors, "the patch has errors"},
    StatusRow{WrongUsage, "the command line is wrong"},
    StatusRow{ProcessRefused,
              "refused, the process is untouched: not permitted, gone, another build, busy until the time ran out"},
    StatusRow{WasRolledBack, "failed, and the process was put back as it was"},
    StatusRow{StateIsUncertain, "failed, and the state of the process is uncertain: the message says what to look at"},
    StatusRow{Bug, "a bug of lpc"},
};

// `text` in lines of kWidth columns, indented; an empty line stays one.
std::string paragraphs(std::string_view text, size_t indent) {
  std::string out;
  for (std::string_view paragraph : split(text, '\n')) {
    std::string line;
    for (std::string_view word : split(paragraph, ' ')) {
      if (!line.empty() && indent + line.size() + 1 + word.size() > kWidth) {
        out += std::string(indent, ' ') + line + "\n";
        line.clear();
      }
      if (!line.empty()) line += ' ';
      line += word;
    }
    out += line.empty() ? "\n" : std::string(indent, ' ') + line + "\n";
  }
  return out;
}

// "  left   right", the right side wrapped below itself; on a line of its own where the left side is long.
std::string row(const std::string &left, std::string_view right, size_t column) {
  std::string wrapped = paragraphs(right, column);
  if (left.size() + 4 > column) return cat("  ", left, "\n", wrapped);
  return cat("  ", left, std::string(column - 2 - left.size(), ' '), wrapped.substr(column));
}

std::string optionNames(const OptionInfo &option) {
  std::string names = option.letter == 0 ? "" : cat("-", option.letter, ", ");
  names += cat("--", option.name);
  return option.value.empty() ? names : cat(names, " ", option.value);
}

} // namespace

std::span<const StatusRow> statusTable() { return kStatuses; }

std::string versionText() { return "lpc " LPC_VERSION "\n"; }

std::string usageLine(const Command &command) {
  std::string line = cat(command.program, " ", command.operands);
  for (OptionId id : command.options) {
    const OptionInfo &option = info(id);
    if (id == OptionId::Help || id == OptionId::Version) continue;
    std::string written = cat("--", option.name, option.value.empty() ? "" : " ", option.value,
                              option.repeated && !(id == OptionId::Pid && command.mostProcesses == 1) ? "..." : "");
    bool required = id == OptionId::Pid && command.fewestProcesses > 0;
    line += required ? cat(" ", written) : cat(" [", written, "]");
  }
  return command.afterwards.empty() ? line : cat(line, " ", command.afterwards);
}

std::string helpText(const Command &command) {
  std::string out = cat(command.program, ": ", command.summary, "\n\nUsage:\n", paragraphs(usageLine(command), 2), "\n",
                        paragraphs(command.description, 0), "\nOptions:\n");
  for (OptionId id : command.options)
    out += row(optionNames(info(id)), info(id).help, 24);
  out += "\nExamples:\n";
  for (std::string_view line : split(command.example, '\n'))
    out += cat("  ", line, "\n");
  out += "\nExit status:\n";
  for (const StatusRow &status : kStatuses)
    out += row(std::to_string(status.status), status.meaning, 6);
  return out;
}

std::string overviewText() {
  std::string out = "lpc: the live-patch compiler: changes code and data of running processes\n\nCommands:\n";
  for (const Command &command : commands())
    out += row(cat(command.name, " ", command.operands), command.summary, 24);
  out += "\nOptions:\n";
  for (OptionId id : {OptionId::Help, OptionId::Version})
    out += row(optionNames(info(id)), info(id).help, 24);
  out += "\n`lpc help COMMAND` or `lpc COMMAND --help` explains a command, `lpc help instructions`\n"
         "lists what can stand in a patch, `lpc help livepatch` explains the program of 2004.\n"
         "Durations are written as 5s, 10ms or 200us.\n\nExit status:\n";
  for (const StatusRow &status : kStatuses)
    out += row(std::to_string(status.status), status.meaning, 6);
  return out;
}

std::string instructionsText() {
  std::string out = "The instructions of the patch language, one a line; `#` begins a comment:\n\n";
  for (const ir::InstructionInfo &instruction : ir::allInstructions())
    out += row(cat(instruction.keyword, " ", instruction.operands), instruction.text, 40);
  return out;
}

} // namespace lpc::driver
