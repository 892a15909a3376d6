// Diagnostics: what lpc says to its users, collected and never printed by the stages themselves.
//
// Every message has an id from diagnostics.def. A stage reports all it finds and goes on; the driver sorts by
// place and prints text or JSON. A failure of the world (a file, the kernel, a process) travels as an Error
// (result.h), which has an id from the same table and becomes a Diagnostic at the border.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/support/source.h"

namespace lpc {

enum class Severity : uint8_t { Error, Warning };

enum class DiagnosticId : uint16_t {
#define LPC_DIAGNOSTIC(id, text, severity, explanation, danger) id,
#include "ir/support/diagnostics.def"
#undef LPC_DIAGNOSTIC
};

// One row of diagnostics.def.
struct DiagnosticInfo {
  DiagnosticId id;
  std::string_view text;        // stable name, "unknown-symbol"
  Severity severity;            // as reported unless an option says otherwise
  std::string_view explanation; // a paragraph: what it means and what to do
  std::string_view danger;      // a paragraph: what would happen if lpc went on
};
const DiagnosticInfo &info(DiagnosticId id);
std::vector<DiagnosticInfo> allDiagnostics();

// An addition to a message: one sentence, possibly with a place of its own in the same file, possibly with lines
// that are printed as they stand below it (candidates, disassembly).
struct Note {
  std::string message;
  Place place{};
  std::vector<std::string> lines{};
  bool operator==(const Note &) const = default;
};

struct Diagnostic {
  DiagnosticId id{};
  Severity severity = Severity::Error;
  Place place{};       // in the patch file; unknown for messages about files and processes
  std::string message; // one line, lower case, no full stop, code in backticks
  std::string under{}; // words printed behind the carets (`inside mov rbp, rsp`); may be empty
  std::vector<Note> notes{};
  std::string help{}; // at most one remedy
  bool operator==(const Diagnostic &) const = default;
};

// The collector that all stages of one patch share.
class Diagnostics {
public:
  // Adds a diagnostic with the severity of the table; the reference stays valid until the next report.
  Diagnostic &report(DiagnosticId id, Place place, std::string message);
  void add(Diagnostic diagnostic) { all_.push_back(std::move(diagnostic)); }

  [[nodiscard]] bool hasErrors() const;
  [[nodiscard]] size_t errorCount() const;
  // In order of place; messages without one come last; the order of reporting decides among equals.
  [[nodiscard]] std::vector<Diagnostic> sorted() const;
  [[nodiscard]] const std::vector<Diagnostic> &all() const { return all_; }

private:
  std::vector<Diagnostic> all_;
};

// `file:line:column: severity: message [id]`, the source line, carets, notes, help (conventions: "Errors").
// The lines of a note stand 8 blanks from the margin; a line that begins with "-> " begins 3 to the left of that, so
// that it marks one of several. A note without a message has its lines alone, 2 blanks from the margin. Control
// characters and the like are spelled out, wherever they come from (display.h). Ends with a newline. `colour` adds
// terminal escapes.
std::string render(const Diagnostic &diagnostic, const SourceText &source, bool colour);

// Up to three of `candidates` that are near `wanted` (Damerau-Levenshtein distance, at most a third of the longer
// name), not `wanted` itself, nearest first, then in their order.
std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string> &candidates);

} // namespace lpc
