// Texts that are made from the tables: of commands, options, instructions, exit statuses.
#pragma once

#include <string>

#include "frontend/driver/commands.h"

namespace lpc::driver {

std::string versionText();                                   // "lpc 0.1.0\n"
std::string overviewText();                                  // `lpc --help`
std::string titleOf(const Command &command);                 // "apply PATCH"
std::string usageLine(const Command &command);               // "lpc check PATCH [--target ELF] …"
std::vector<std::string> usageParts(const Command &command); // its words, each option with its value in one
std::string helpText(const Command &command);                // `lpc check --help`
std::string instructionsText();                              // `lpc help instructions`
std::string diagnosticsText();                               // `lpc help diagnostics`: docs/diagnostics.md
std::string diagnosticText(const DiagnosticInfo &row);       // `lpc check --explain ID`

// What lpc has something to say about, and what it says.
struct DiagnosticExample {
  std::string_view id, about, said;
};
std::span<const DiagnosticExample> diagnosticExamples(); // of patches, each a golden test of this program
std::span<const DiagnosticExample> processExamples();    // of commands

// Manual pages in man(7): lpc.1, lpc-check.1, …, livepatch.1.
std::string manualOverview();
std::string manual(const Command &command);

// Completion of `lpc` and `livepatch` for a shell.
std::string bashCompletion();
std::string zshCompletion();

// Rows of the table of exit statuses: number and meaning.
struct StatusRow {
  int status;
  std::string_view meaning;
};
std::span<const StatusRow> statusTable();

} // namespace lpc::driver
