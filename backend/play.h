// Plays a plan into a process: prepare · stop · verify · switch · go (executor notes). The table of contents of the
// executor.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "runtime/process.h"

namespace lpc::backend {

struct PlayOptions {
  std::chrono::microseconds timeout{5'000'000}; // for finding a safe moment
  std::chrono::microseconds maxPause{10'000};   // of one stop
  bool dryRun = false;                          // all but the switch
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

struct Outcome {
  OutcomeKind kind = OutcomeKind::Refused;
  std::optional<Error> reason{}; // why not; its id is the `reason` of the JSON
  double pauseMicroseconds = 0;  // from the first running thread interrupted to the last one released
  double windowMicroseconds = 0; // blocked threads included
  unsigned stops = 0;
  std::vector<Phase> phases{};
  std::vector<PlannedChange> changes{}; // with oldBytes as found when stopped
  pid_t busyThread = 0;                 // Busy: who, where
  std::string busyThreadName{}, busyFunction{};
  unsigned busyFrame = 0;
  std::string state; // "process 4711 was not stopped; nothing was changed"
};

Outcome play(const Plan &plan, const runtime::Process &process, const PlayOptions &options);

} // namespace lpc::backend
