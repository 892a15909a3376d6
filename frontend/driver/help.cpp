// --help, written from the tables for a terminal of 80 columns or more.
#include "frontend/driver/help.h"

#include <algorithm>
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

// `parts` in lines of kWidth columns, indented; a part is never broken.
template <class Parts> std::string filled(const Parts &parts, size_t indent) {
  std::string out, line;
  for (std::string_view part : parts) {
    if (!line.empty() && indent + line.size() + 1 + part.size() > kWidth) {
      out += std::string(indent, ' ') + line + "\n";
      line.clear();
    }
    line += cat(line.empty() ? "" : " ", part);
  }
  return out + (line.empty() ? "" : std::string(indent, ' ') + line) + "\n";
}

// Paragraphs of words; an empty line stays one.
std::string paragraphs(std::string_view text, size_t indent) {
  std::string out;
  for (std::string_view paragraph : split(text, '\n'))
    out += filled(split(paragraph, ' '), indent);
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

std::string titleOf(const Command &command) {
  return command.operands.empty() ? std::string(command.name) : cat(command.name, " ", command.operands);
}

std::vector<std::string> usageParts(const Command &command) {
  std::vector<std::string> parts = {std::string(command.program)};
  if (!command.operands.empty()) parts.emplace_back(command.operands);
  for (OptionId id : command.options) {
    const OptionInfo &option = info(id);
    if (id == OptionId::Help || id == OptionId::Version) continue;
    bool several = option.repeated && !(id == OptionId::Pid && command.mostProcesses == 1);
    std::string written = cat("--", option.name, option.value.empty() ? "" : " ", option.value, several ? "..." : "");
    bool required = id == OptionId::Pid && command.fewestProcesses > 0;
    bool orAll = std::ranges::find(command.options, OptionId::All) != command.options.end();
    if (id == OptionId::All) continue; // beside --pid
    parts.push_back(!required ? cat("[", written, "]") : orAll ? cat("(", written, " | --all)") : written);
  }
  if (!command.afterwards.empty()) parts.emplace_back(command.afterwards);
  return parts;
}

std::string usageLine(const Command &command) {
  std::string line;
  for (const std::string &part : usageParts(command))
    line += cat(line.empty() ? "" : " ", part);
  return line;
}

std::string helpText(const Command &command) {
  std::string out = cat(command.program, ": ", command.summary, "\n\nUsage:\n", filled(usageParts(command), 2), "\n",
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
    out += row(titleOf(command), command.summary, 24);
  out += "\nOptions:\n";
  for (OptionId id : {OptionId::Help, OptionId::Version})
    out += row(optionNames(info(id)), info(id).help, 24);
  out += "\n`lpc help COMMAND` or `lpc COMMAND --help` explains a command, `lpc help instructions`\n"
         "lists what can stand in a patch, `lpc help diagnostics` what can be wrong with it,\n"
         "`lpc help livepatch` explains the program of 2004.\n"
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

namespace {

std::string_view severityName(Severity severity) { return severity == Severity::Warning ? "warning" : "error"; }

std::string indented(std::string_view text) {
  std::string out;
  for (std::string_view line : split(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text, '\n'))
    out += line.empty() ? "\n" : cat("    ", line, "\n");
  return out;
}

} // namespace

std::string diagnosticText(const DiagnosticInfo &row) {
  std::string out = cat(row.text, ": ", severityName(row.severity), "\n\n", paragraphs(row.explanation, 0), "\n",
                        paragraphs(row.danger, 0));
  auto add = [&](std::string_view title, std::span<const DiagnosticExample> examples) {
    for (const DiagnosticExample &example : examples)
      if (example.id == row.text)
        out += cat("\n", title, "\n\n", indented(example.about), "\nlpc says\n\n", indented(example.said));
  };
  add("In", diagnosticExamples());
  add("To", processExamples());
  if (row.severity == Severity::Warning)
    out += cat("\n", paragraphs(cat("It is not said with `-W no-", row.text,
                                    "`, and an error with `-W error=", row.text, "` or `-W error`."),
                                0));
  return out;
}

std::string diagnosticsText() {
  std::string out = "# Diagnostics\n\nWhat lpc can find wrong, by the id that stands in brackets behind its messages. "
                    "`lpc check --explain ID` shows an example of each.\n"
                    "First what it means, then why it is dangerous.\n\n";
  for (const DiagnosticInfo &row : allDiagnostics())
    out += cat("- `", row.text, "` (", severityName(row.severity), "): ", row.explanation, "\n  ", row.danger, "\n");
  return out;
}

} // namespace lpc::driver
