// Reporting an outcome. Whatever is said of a process ends with the state that it was left in.
#include "frontend/driver/outcome_report.h"

#include <cmath>

#include "frontend/driver/change_text.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"

namespace lpc::driver {
namespace {

// As a sentence begins: "applied", "already applied", "dry run of".
std::string resultWords(backend::OutcomeKind kind) {
  std::string words = resultName(kind);
  for (char &c : words)
    if (c == '-') c = ' ';
  return kind == backend::OutcomeKind::DryRun ? words + " of" : words;
}

std::string stopText(const backend::Outcome &outcome) {
  if (outcome.stops == 0) return "not stopped";
  return cat("paused ", shortTime(outcome.pauseMicroseconds), " in ", counted(outcome.stops, "stop"), " of ",
             shortTime(outcome.windowMicroseconds), outcome.stops == 1 ? "" : " at most");
}

std::string phasesText(const backend::Outcome &outcome) {
  std::string out;
  for (const backend::Phase &phase : outcome.phases)
    out += cat(out.empty() ? "" : ", ", phase.name, " ", shortTime(static_cast<double>(phase.microseconds)));
  return out;
}

// What was changed, or would have been; a plan that failed has changes as well, but nobody made them.
const std::vector<backend::PlannedChange> &changesOf(const backend::Outcome &outcome) {
  static const std::vector<backend::PlannedChange> kNone;
  bool made = statusOf(outcome) == Done && outcome.kind != backend::OutcomeKind::AlreadyApplied;
  return made || outcome.kind == backend::OutcomeKind::Uncertain ? outcome.changes : kNone;
}

// What is taken back has no words in the language: the old bytes are there again.
std::string lineOf(const backend::PlannedChange &change, backend::OutcomeKind kind) {
  return kind == backend::OutcomeKind::Reverted ? cat("restored ", hexAddress(change.address)) : changeText(change);
}

void printSuccess(const std::string &patch, pid_t pid, const backend::Outcome &outcome) {
  std::string out = cat("process ", pid, ": ", resultWords(outcome.kind), " ", displayable(patch));
  bool changed = outcome.kind != backend::OutcomeKind::AlreadyApplied;
  if (changed) out += cat(": ", counted(changesOf(outcome).size(), "change"), ", ", stopText(outcome));
  out += "\n";
  for (const backend::PlannedMemory &memory : outcome.memories)
    out += cat("  ", displayable(memoryText(memory)), "\n");
  for (const backend::PlannedOpening &opening : outcome.openings)
    out += cat("  ", displayable(openingText(opening)), "\n");
  for (const backend::PlannedChange &change : changesOf(outcome))
    out += cat("  ", displayable(lineOf(change, outcome.kind)), "  (", bytesText(change), ")\n");
  for (const backend::MadeCall &call : outcome.calls)
    out += cat("  ", name(call.stage), " ", displayable(call.name), ": ", call.result, "\n");
  if (changed && !outcome.phases.empty()) out += cat("  times: ", phasesText(outcome), "\n");
  for (const std::string &remark : outcome.remarks)
    out += cat("  note: ", displayable(remark), "\n");
  if (!outcome.state.empty()) out += cat("  state: ", displayable(outcome.state), "\n");
  print(out);
}

int64_t rounded(double microseconds) { return std::llround(microseconds); }

} // namespace

std::string resultName(backend::OutcomeKind kind) {
  switch (kind) {
  case backend::OutcomeKind::Applied: return "applied";
  case backend::OutcomeKind::AlreadyApplied: return "already-applied";
  case backend::OutcomeKind::Reverted: return "reverted";
  case backend::OutcomeKind::NotApplied: return "not-applied";
  case backend::OutcomeKind::DryRun: return "dry-run";
  case backend::OutcomeKind::Refused: return "refused";
  case backend::OutcomeKind::Busy: return "busy";
  case backend::OutcomeKind::RolledBack: return "rolled-back";
  case backend::OutcomeKind::Uncertain: return "uncertain";
  case backend::OutcomeKind::Gone: return "gone";
  }
  return {};
}

namespace {

std::string_view kindName(backend::PlannedChange::Kind kind) {
  switch (kind) {
  case backend::PlannedChange::Kind::Set: return "set";
  case backend::PlannedChange::Kind::Jump: return "jump";
  case backend::PlannedChange::Kind::Code: return "code";
  case backend::PlannedChange::Kind::Return: return "return";
  case backend::PlannedChange::Kind::Nop: return "nop";
  case backend::PlannedChange::Kind::Import: return "got";
  }
  return {};
}

} // namespace

void writeOpenings(Json &json, const std::vector<backend::PlannedOpening> &openings) {
  for (const backend::PlannedOpening &opening : openings)
    json.element([&] {
      json.text("name", opening.name);
      json.text("file", opening.file);
      json.textOrNull("address", opening.loaded ? hexAddress(opening.base) : "");
      json.number("size", static_cast<int64_t>(opening.size));
      json.textOrNull("path", opening.path);
      json.numberOrNull("line", opening.line);
    });
}

void writeChange(Json &json, const backend::PlannedChange &change, const SpellAddress &spell) {
  json.text("address", spell(change.address));
  json.text("kind", kindName(change.kind));
  json.text("old", toHex(change.oldBytes));
  json.text("new", toHex(change.newBytes));
  json.numberOrNull("line", change.line);
}

void writeOutcome(Json &json, pid_t pid, const backend::Outcome &outcome) {
  json.number("pid", pid);
  json.text("result", resultName(outcome.kind));
  if (outcome.reason)
    json.text("reason", info(outcome.reason->id).text);
  else
    json.null("reason");
  json.text("message", outcome.reason ? outcome.reason->message : cat(resultName(outcome.kind)));
  json.number("pause_us", rounded(outcome.pauseMicroseconds));
  json.number("window_us", rounded(outcome.windowMicroseconds));
  json.number("stops", outcome.stops);
  json.object("phases_us", [&] {
    for (const backend::Phase &phase : outcome.phases)
      json.number(phase.name, static_cast<int64_t>(phase.microseconds));
  });
  json.number("changes", static_cast<int64_t>(changesOf(outcome).size()));
  json.array("changed", [&] {
    for (const backend::PlannedChange &change : changesOf(outcome))
      json.element([&] { writeChange(json, change); });
  });
  json.array("dlopen", [&] { writeOpenings(json, outcome.openings); });
  json.array("calls", [&] {
    for (const backend::MadeCall &call : outcome.calls)
      json.element([&] {
        json.text("moment", name(call.stage));
        json.text("function", call.name);
        json.number("result", call.result);
        json.numberOrNull("line", call.line);
      });
  });
  json.array("remarks", [&] {
    for (const std::string &remark : outcome.remarks)
      json.textElement(remark);
  });
  if (outcome.kind == backend::OutcomeKind::Busy) {
    json.number("thread", outcome.busyThread);
    json.text("thread_name", outcome.busyThreadName);
    json.text("function", outcome.busyFunction);
    json.number("frame", outcome.busyFrame);
  }
  json.text("state", outcome.state);
}

std::string failureText(const std::string &command, pid_t pid, const backend::Outcome &outcome,
                        const SourceText &source) {
  Error reason = outcome.reason.value_or(Error{.id = DiagnosticId::NotApplied,
                                               .message = cat("process ", pid, ": ", resultWords(outcome.kind)),
                                               .notes = {},
                                               .help = {},
                                               .place = {}});
  for (const std::string &remark : outcome.remarks)
    reason.notes.push_back({.message = remark, .place = {}, .lines = {}});
  if (!reason.place.known()) return errorText(command, reason, outcome.state);
  return render(toDiagnostic(std::move(reason)), source, colourOnStandardError()) + stateText(outcome.state);
}

void printOutcome(const std::string &command, const std::string &patch, pid_t pid, const backend::Outcome &outcome,
                  const SourceText &source) {
  if (statusOf(outcome) == Done)
    printSuccess(patch, pid, outcome);
  else
    printMessage(failureText(command, pid, outcome, source));
}

} // namespace lpc::driver
