// Playing patches into live processes: the result, the options, and the two operations.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "runtime/process.h"

namespace lpc::backend {

struct PlayOptions {
  std::chrono::microseconds timeout{5'000'000}; // for finding a safe moment
  std::chrono::microseconds maxPause{10'000};   // of one stop; past it the process is let go and the stop tried again
  bool dryRun = false;                          // all but the switch
  bool alwaysStop = false;                      // also for a change that needs no stop
  std::vector<std::string> allowActive{};       // functions that may be active; "*" is all
  std::optional<Bytes> expectedPlan{};          // plan_digest.h: another plan is refused
  std::function<bool()> giveUp{}; // asked before each wait for a safe moment; true: the time for that is over
};

enum class OutcomeKind : uint8_t {
  Applied,
  AlreadyApplied,
  Reverted,
  NotApplied,
  DryRun,
  Refused,
  Busy,
  RolledBack,
  Uncertain,
  Gone
};

struct Phase {
  std::string name; // resolve plan prepare stop verify switch release
  uint64_t microseconds = 0;
};

// A function that was called in the process.
struct MadeCall {
  CallStage stage{};
  std::string name;
  uint32_t line = 0; // of the patch; 0 where it has none
  int64_t result = 0;
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::Refused;
  std::optional<Error> reason{}; // why not; its id is the `reason` of the JSON
  double pauseMicroseconds = 0;  // of the running threads, at the last stop: first one interrupted to last one released
  double windowMicroseconds = 0; // blocked threads included
  unsigned stops = 0;
  std::vector<Phase> phases{};
  std::vector<PlannedMemory> memories{};  // applied: where the new memory is
  std::vector<PlannedOpening> openings{}; // applied: what the dynamic linker has loaded
  std::vector<PlannedChange> changes{};   // with oldBytes as found when stopped
  std::vector<MadeCall> calls{};          // that came back, in order
  std::vector<std::string> remarks{};     // what else the user should know: repairs, memory that was kept
  pid_t busyThread = 0;                   // Busy: who, where
  std::string busyThreadName{}, busyFunction{};
  unsigned busyFrame = 0;
  std::string state{}; // what became of the process: "process 4711 was not stopped; nothing was changed"
};

// Puts a patch onto a process: look, plan, prepare · stop · verify · switch · go. An earlier lpc that was killed in the
// middle of its work is repaired first. All or nothing: unless the kind is Applied or Uncertain, the process has not
// one byte of the patch.
// `seen`: the look at the process with which the patch was checked, perhaps.
Outcome apply(const ir::Patch &patch, const runtime::Process &process, const PlayOptions &options, Snapshot seen = {});

// Takes the patch of that name back, under the same stop and verification.
Outcome revert(const std::string &name, const runtime::Process &process, const PlayOptions &options);

} // namespace lpc::backend
