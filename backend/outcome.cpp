// The sentences end every message about a live process, so they say the one thing its owner wants to know: does it run,
// and with what.
#include "backend/outcome.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include "ir/support/cat.h"
#include "runtime/stop.h"

namespace lpc::backend {
namespace {

// What looked like its end may have been that of its threads alone: an execve ends all others, ours as well, before the
// program is another one.
std::optional<Error> executed(const runtime::Process &process) {
  for (auto deadline = runtime::Clock::now() + std::chrono::milliseconds(200); !process.ended();) {
    auto same = process.stillSame();
    if (!same && same.error().id == DiagnosticId::ProcessChanged) return std::move(same.error());
    if (runtime::Clock::now() >= deadline) {
      if (!process.executes()) break;
      return Error{DiagnosticId::ProcessChanged,
                   cat("process ", process.pid(), " began to execute a program while lpc was working on it")};
    }
    pollfd ending{process.pidfd(), POLLIN, 0};
    poll(&ending, 1, 1);
  }
  return std::nullopt;
}

} // namespace

void describeState(Outcome &outcome, const runtime::Process &process, const std::string &what) {
  // One that was killed in between takes writes that nobody will see.
  bool made = outcome.kind == OutcomeKind::Applied || outcome.kind == OutcomeKind::Reverted;
  if (made && process.dying()) {
    outcome.kind = OutcomeKind::Gone;
    outcome.reason =
        Error{DiagnosticId::ProcessGone, cat("process ", process.pid(), " ended while lpc was working on it")};
  }
  std::string who = cat("process ", process.pid());
  if (outcome.reason && outcome.reason->id == DiagnosticId::ProcessGone)
    if (auto another = executed(process)) {
      outcome.kind = OutcomeKind::Refused;
      outcome.reason = std::move(*another);
      outcome.state = who + " runs another program now, without the patch";
      return;
    }
  std::string stood = outcome.stops == 0
                          ? " was not stopped"
                          : cat(" was let go after ", outcome.stops, outcome.stops == 1 ? " stop" : " stops");
  switch (outcome.kind) {
  case OutcomeKind::Applied: outcome.state = who + " runs on with the patch"; break;
  case OutcomeKind::AlreadyApplied: outcome.state = who + " has the patch already; nothing was changed"; break;
  case OutcomeKind::Reverted: outcome.state = who + " runs on without the patch"; break;
  case OutcomeKind::DryRun:
  case OutcomeKind::NotApplied:
  case OutcomeKind::Refused:
  case OutcomeKind::Busy: outcome.state = who + stood + "; nothing was changed"; break;
  case OutcomeKind::RolledBack:
    outcome.state = cat("everything was put back; ", who, " runs on as before the ", what);
    break;
  case OutcomeKind::Uncertain:
    outcome.state = cat(who, " may be changed in part; `lpc status --pid ", process.pid(),
                        "` shows it, and the next apply or revert tries to repair it");
    break;
  case OutcomeKind::Gone: outcome.state = who + " is gone"; break;
  }
}

Stopwatch::Stopwatch(Outcome &outcome) : outcome_(outcome), last_(runtime::monotonicMicroseconds()) {}

void Stopwatch::lap(const std::string &phase) {
  double now = runtime::monotonicMicroseconds();
  addPhase(outcome_, phase, now - last_);
  last_ = now;
}

void addPhase(Outcome &outcome, const std::string &name, double microseconds) {
  auto phase = std::ranges::find(outcome.phases, name, &Phase::name);
  if (phase == outcome.phases.end()) phase = outcome.phases.insert(phase, {name, 0});
  phase->microseconds += static_cast<uint64_t>(std::llround(microseconds));
}

bool refuse(Outcome &outcome, Error reason) {
  outcome.kind = reason.id == DiagnosticId::ProcessGone   ? OutcomeKind::Gone
                 : reason.id == DiagnosticId::ProcessBusy ? OutcomeKind::Busy
                                                          : OutcomeKind::Refused;
  outcome.reason = std::move(reason);
  return true;
}

} // namespace lpc::backend
