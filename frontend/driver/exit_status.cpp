// Exit statuses follow from what is reported, so that text, JSON and status never disagree.
#include "frontend/driver/exit_status.h"

namespace lpc::driver {

ExitStatus statusOf(DiagnosticId id) {
  // The table is in groups: what concerns processes stands between the IR's rows and the command line's.
  if (id == DiagnosticId::Usage) return WrongUsage;
  if (id == DiagnosticId::VerifyFailed) return WasRolledBack;
  if (id == DiagnosticId::BuildIdMismatch || id >= DiagnosticId::NoSuchProcess) return ProcessRefused;
  return PatchHasErrors;
}

ExitStatus statusOf(const backend::Outcome &outcome) {
  switch (outcome.kind) {
  case backend::OutcomeKind::Applied:
  case backend::OutcomeKind::AlreadyApplied:
  case backend::OutcomeKind::Reverted:
  case backend::OutcomeKind::DryRun: return Done;
  case backend::OutcomeKind::Busy:
  case backend::OutcomeKind::Gone:
  case backend::OutcomeKind::NotApplied: return ProcessRefused;
  case backend::OutcomeKind::Refused: return outcome.reason ? statusOf(outcome.reason->id) : ProcessRefused;
  case backend::OutcomeKind::RolledBack: return WasRolledBack;
  case backend::OutcomeKind::Uncertain: return StateIsUncertain;
  }
  return Bug;
}

} // namespace lpc::driver
