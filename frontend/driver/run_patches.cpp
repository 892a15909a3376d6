// A patch whose library is not there is told from one that is wrong by the files: resolved against them, and not
// against the process, it is a patch, and the process has everything that it speaks of but a library.
#include "frontend/driver/run_patches.h"

#include <algorithm>
#include <cstdio>

#include "backend/match.h"
#include "frontend/driver/attempts.h"
#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/outcome_report.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "lpc run";

Attempt &attemptOf(RunPart &part) { return part.attempts.front(); }

} // namespace

// Standard output is COMMAND's.
void RunPatches::printDocument(const std::vector<Diagnostic> &problems, int status) const {
  std::string text = Json::document([&](Json &json) {
    json.text("schema", "lpc.run/1");
    json.text("command", command_.path);
    writeDiagnostics(json, problems, "");
    json.array("patches", [&] {
      for (const auto &part : parts_)
        json.element([&] {
          json.text("patch", patchNameOf(part->text, part->attempts));
          json.flag("waiting", part->waiting);
          writeDiagnostics(json, diagnosticsOf(part->attempts), part->text.source.name());
          for (const Attempt &attempt : part->attempts)
            writeOutcome(json, attempt.pid, attempt.outcome);
        });
    });
    json.number("status", status);
  });
  std::fputs(text.c_str(), stderr);
}

std::string RunPatches::endedState() const { return cat("`", command_.path, "` was ended before it began"); }

int RunPatches::refuse(const Error &error, int status, const std::string &state) const {
  if (asJson())
    printDocument({toDiagnostic(error)}, status);
  else
    printError(kCommand, error, state);
  return status;
}

// What should be known of a patch that is in: warnings, repairs. The rest is what was asked for.
void RunPatches::say(const RunPart &part, int status) const {
  if (asJson()) return;
  if (status != Done) {
    printAttempts(std::string(kCommand), part.text, part.attempts);
    return;
  }
  const Attempt &attempt = part.attempts.front();
  printDiagnostics(diagnosticsOf(part.attempts), attempt.compilation->source);
  for (const std::string &remark : attempt.outcome.remarks)
    std::fputs(cat(kCommand, ": note: ", displayable(remark), "\n").c_str(), stderr);
}

// Where the process lacks what the patch is for: against the files, then.
void RunPatches::fallBack(RunPart &part, pid_t pid, const backend::PlayOptions &options) const {
  const std::optional<Error> &reason = attemptOf(part).outcome.reason;
  if (!reason || (reason->id != DiagnosticId::UnknownObject && reason->id != DiagnosticId::BuildIdMismatch)) return;
  Names names{arguments_.target, arguments_.objects, arguments_.warnings};
  auto compiled = std::make_shared<Compilation>(compile(part.text, names, nullptr));
  if (!compiled->patch && compiled->refusal == std::nullopt && !names.target) {
    names.target = command_.path;
    compiled = std::make_shared<Compilation>(compile(part.text, names, nullptr));
  }
  auto live = LiveProcess::open(pid);
  const std::optional<ir::Patch> &patch = compiled->patch;
  if (!patch || !compiled->otherBuilds.empty() || !live) return;
  auto matched = backend::matchObjects(*patch, live->process, live->snapshot);
  if (!matched && matched.error().id != DiagnosticId::UnknownObject) return;
  attemptOf(part).compilation = compiled;
  part.waiting = !matched;
  if (matched) attemptOf(part).outcome = backend::apply(*patch, live->process, options);
}

// A program without a dynamic linker relocates itself when it begins, over what was written before; and pointers have
// no values yet.
std::optional<Error> RunPatches::lostAtStart(const backend::Plan &plan) const {
  auto unfinished = [&](RemoteAddress at, const Bytes &bytes) {
    RemoteRange place{at, at + bytes.size()};
    auto first = std::ranges::upper_bound(unfinished_, at, {}, &RemoteRange::end);
    return first != unfinished_.end() && first->overlaps(place);
  };
  auto error = [](RemoteAddress at, uint32_t line) {
    return Error{.id = DiagnosticId::BadAddress,
                 .message =
                     cat("the program is linked statically and writes ", hexAddress(at), " itself when it begins"),
                 .notes = {},
                 .help = "apply the patch when it runs: lpc apply PATCH --pid PID",
                 .place = line == 0 ? Place{} : Place{line, 1, line, 2}};
  };
  for (const backend::PlannedPointer &pointer : plan.pointers)
    if (unfinished(pointer.at, pointer.value)) return error(pointer.at, pointer.line);
  for (const backend::PlannedChange &change : plan.changes)
    if (!change.prepared && unfinished(change.address, change.newBytes)) return error(change.address, change.line);
  return std::nullopt;
}

Attempt RunPatches::attempt(const RunPart &part, pid_t pid, const backend::PlayOptions &options) const {
  Names names{arguments_.target, arguments_.objects, arguments_.warnings};
  Compiler compiler(part.text, names);
  if (!unfinished_.empty()) {
    Attempt planned = planFor(compiler, pid);
    auto lost = planned.plan ? lostAtStart(*planned.plan) : std::nullopt;
    if (lost) planned.outcome = untouched(pid, std::move(*lost));
    if (lost || !planned.plan) return planned;
  }
  return applyTo(compiler, pid, options);
}

int RunPatches::applyOne(RunPart &part, pid_t pid, const backend::PlayOptions &options) {
  part.attempts.push_back(attempt(part, pid, options));
  fallBack(part, pid, options);
  backend::Outcome &outcome = attemptOf(part).outcome;
  if (part.waiting && !watch_) {
    auto watch = LibraryWatch::begin(pid, options);
    if (watch)
      watch_.emplace(std::move(*watch));
    else
      part.waiting = false, outcome.reason = std::move(watch.error());
  }
  if (part.waiting) {
    outcome.state = "it waits for its library";
    return Done;
  }
  int status = statusOf(outcome);
  if (status != Done) {
    outcome.state = endedState();
    if (outcome.reason && outcome.reason->id == DiagnosticId::BuildIdMismatch) // the process is no more
      outcome.reason->help =
          command_.interpreter.empty()
              ? cat("check it against the command: lpc check --target ", command_.path, " ", part.text.source.name())
              : cat("the command is a script, so what runs is `", command_.interpreter, "`");
  }
  say(part, status);
  return status;
}

int RunPatches::apply(pid_t pid, std::vector<RemoteRange> unfinished) {
  unfinished_ = std::move(unfinished);
  backend::PlayOptions options = playOptions(arguments_);
  int status = Done;
  for (auto &part : parts_)
    if (status = applyOne(*part, pid, options); status != Done) break;
  if (asJson()) printDocument({}, status);
  return status;
}

bool RunPatches::waiting() const {
  return std::ranges::any_of(parts_, [](const auto &part) { return part->waiting; });
}

// True: none waits any more.
bool RunPatches::applyOpened(pid_t pid) {
  for (auto &part : parts_) {
    if (!part->waiting) continue;
    auto live = LiveProcess::open(pid);
    if (!live) return false; // it ends, or executes something else
    const std::optional<ir::Patch> &patch = attemptOf(*part).compilation->patch;
    if (!patch) continue;
    auto matched = backend::matchObjects(*patch, live->process, live->snapshot);
    if (!matched && matched.error().id == DiagnosticId::UnknownObject) continue;
    part->waiting = false;
    backend::Outcome &outcome = attemptOf(*part).outcome;
    outcome = backend::apply(*patch, live->process, playOptions(arguments_), std::move(live->snapshot));
    int status = statusOf(outcome);
    say(*part, status);
    if (asJson()) printDocument({}, status);
  }
  return !waiting();
}

void RunPatches::follow(pid_t pid) {
  if (watch_) watch_->follow([&] { return applyOpened(pid); });
  watch_.reset();
}

} // namespace lpc::driver
