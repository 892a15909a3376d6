// Manual pages in man(7), from the same tables as --help.
#include "frontend/driver/help.h"
#include "ir/instructions.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

// Text for troff: a backslash is an escape, a hyphen would become a typographic one, a dot or quote that begins a line
// a request.
std::string escaped(std::string_view text) {
  std::string out;
  bool lineStart = true;
  for (char c : text) {
    if (lineStart && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    lineStart = c == '\n';
  }
  return out;
}

// `code` becomes bold.
std::string running(std::string_view text) {
  std::string out;
  bool bold = false;
  for (std::string_view part : split(text, '`')) {
    out += bold ? cat("\\fB", escaped(part), "\\fR") : escaped(part);
    bold = !bold;
  }
  return out;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  for (std::string_view line : split(text, '\n'))
    out += line.empty() ? ".PP\n" : running(line) + "\n";
  return out;
}

std::string head(std::string_view page, std::string_view summary) {
  return cat(".TH \"", page, "\" 1 \"\" \"lpc " LPC_VERSION "\" \"User Commands\"\n.SH NAME\n", escaped(page), " \\- ",
             running(summary), "\n");
}

std::string term(std::string_view left, std::string_view right) {
  return cat(".TP\n\\fB", escaped(left), "\\fR\n", running(right), "\n");
}

std::string options(std::span<const OptionId> ids) {
  std::string out = ".SH OPTIONS\n";
  for (OptionId id : ids) {
    const OptionInfo &option = info(id);
    std::string names = option.letter == 0 ? "" : cat("\\fB\\-", option.letter, "\\fR, ");
    names += cat("\\fB\\-\\-", escaped(option.name), "\\fR");
    if (!option.value.empty()) names += cat(" \\fI", escaped(option.value), "\\fR");
    out += cat(".TP\n", names, "\n", running(option.help), "\n");
  }
  return out;
}

std::string statuses() {
  std::string out = ".SH \"EXIT STATUS\"\n";
  for (const StatusRow &row : statusTable())
    out += term(std::to_string(row.status), row.meaning);
  return out;
}

std::string pageOf(const Command &command) {
  return command.name == livepatchCommand().name ? std::string(command.name) : cat("lpc-", command.name);
}

std::string seeAlso(std::string_view except) {
  std::string out;
  auto add = [&](std::string_view page) {
    if (page == except) return;
    out += cat(out.empty() ? "" : ",\n", ".BR ", escaped(page), " (1)");
  };
  add("lpc");
  for (const Command &command : commands())
    add(pageOf(command));
  add("livepatch");
  return cat(".SH \"SEE ALSO\"\n", out, "\n"); // .BR takes the comma as part of its last word
}

} // namespace

std::string manual(const Command &command) {
  std::string page = pageOf(command);
  return cat(head(page, command.summary), ".SH SYNOPSIS\n", escaped(usageLine(command)), "\n.SH DESCRIPTION\n",
             paragraphs(command.description), options(command.options), ".SH EXAMPLES\n.nf\n", escaped(command.example),
             "\n.fi\n", statuses(), seeAlso(page));
}

std::string manualOverview() {
  std::string out = cat(head("lpc", "the live-patch compiler: changes code and data of running processes"),
                        ".SH SYNOPSIS\n.B lpc\n.I COMMAND\n[options]\n.SH COMMANDS\n");
  for (const Command &command : commands())
    out += term(titleOf(command), command.summary);
  out += ".SH \"PATCH LANGUAGE\"\nOne instruction a line; \\fB#\\fR begins a comment.\n";
  for (const ir::InstructionInfo &instruction : ir::allInstructions())
    out += term(cat(instruction.keyword, " ", instruction.operands), instruction.text);
  constexpr std::array kOptions = {OptionId::Help, OptionId::Version};
  return cat(out, options(kOptions), statuses(), seeAlso("lpc"));
}

} // namespace lpc::driver
