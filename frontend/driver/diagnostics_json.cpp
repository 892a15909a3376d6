// The fields that docs name and programs rely on: they may be added to, never renamed.
#include "frontend/driver/diagnostics_json.h"

namespace lpc::driver {
namespace {

void writePlace(Json &json, const Place &place, const std::string &file) {
  json.text("file", file);
  json.numberOrNull("line", place.line);
  json.numberOrNull("column", place.column);
  json.numberOrNull("end_line", place.endLine);
  json.numberOrNull("end_column", place.endColumn);
}

void writeNote(Json &json, const Note &note, const std::string &file) {
  json.text("message", note.message);
  if (note.place.known()) writePlace(json, note.place, file);
  if (!note.lines.empty())
    json.array("lines", [&] {
      for (const std::string &line : note.lines)
        json.textElement(line);
    });
}

} // namespace

void writeDiagnostic(Json &json, const Diagnostic &diagnostic, const std::string &file) {
  json.text("id", info(diagnostic.id).text);
  json.text("severity", diagnostic.severity == Severity::Error ? "error" : "warning");
  json.text("message", diagnostic.message);
  writePlace(json, diagnostic.place, file);
  json.array("notes", [&] {
    for (const Note &note : diagnostic.notes)
      json.element([&] { writeNote(json, note, file); });
  });
  json.textOrNull("help", diagnostic.help);
}

void writeDiagnostics(Json &json, const std::vector<Diagnostic> &diagnostics, const std::string &file) {
  json.array("diagnostics", [&] {
    for (const Diagnostic &diagnostic : diagnostics)
      json.element([&] { writeDiagnostic(json, diagnostic, file); });
  });
}

} // namespace lpc::driver
