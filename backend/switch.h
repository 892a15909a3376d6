// The switch: the moment at which the process stands. Stop · verify · switch · go, for apply, revert and repair alike.
#pragma once

#include <vector>

#include "backend/activity.h"
#include "backend/play.h"
#include "backend/registry.h"
#include "runtime/agent.h"
#include "runtime/process.h"

namespace lpc::backend {

// Bytes that must stand when the process does.
struct Guard {
  RemoteAddress at;
  Bytes bytes;
  DiagnosticId otherwise{}; // what it means when they don't
  uint32_t line = 0;        // of the patch; 0 where there is none
};

struct SwitchJob {
  std::vector<Guard> guards;
  std::vector<GuardedCode> inactive;        // must not be active in any thread
  std::vector<runtime::PlayedWrite> writes; // in order; committed through the agent
  size_t codeWrites = 0;                    // so many of them, the last ones, are code, in ascending order
  RemoteAddress record;                     // where the record is mapped
  bool oneStore = false;         // no stop is needed: `writes` is one store, and no function must be inactive
  RecordState during{}, after{}; // its state before the first and after the last write
  Record *undo = nullptr;        // apply: changes whose old bytes are taken when stopped (those not `settled`)
  std::vector<bool> settled;     // by change: the old bytes are guarded, so they are known
};

// Where the stack of a thread is.
struct StackPosition {
  RemoteAddress pointer, threadPointer;
};

// How a job ended. Failed: nothing was changed, or everything was put back (kind says which), for `reason`.
struct SwitchResult {
  OutcomeKind kind = OutcomeKind::Refused; // Applied stands for "done"
  std::optional<Error> reason{};
  std::optional<size_t> failedGuard{}; // Refused because of guards[i]
  std::vector<StackPosition> stacks{}; // of all threads at the last stop
};

// Runs the job and fills `outcome`'s measurements and busy fields. Tries again with growing intervals while a thread is
// in the way, until options.timeout. The process runs, unseized, when it returns.
SwitchResult runSwitch(SwitchJob &job, const runtime::Process &process, const Snapshot &snapshot, runtime::Agent &agent,
                       const PlayOptions &options, Outcome &outcome);

} // namespace lpc::backend
