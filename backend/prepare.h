// Prepare: everything that can be done to a process while it runs. New memory is made and filled, and the record of the
// patch stands in it, before anything of the program changes.
#pragma once

#include <vector>

#include "backend/plan.h"
#include "backend/registry.h"
#include "backend/switch.h"
#include "runtime/agent.h"

namespace lpc::backend {

// What the record of a plan holds: its changes (not those in the patch's own memory), and names for its code.
Record recordOf(const Plan &plan, uint64_t sequence);

// Makes the plan's memory in the process, its record in state Prepared. `maps` are those of the process now. On error
// nothing is left behind. NoSpaceInReach (a place was taken meanwhile: plan again with the next attempt),
// RemoteCallFailed, ProcessGone.
Result<FoundRecord> prepareMemory(const Plan &plan, Record record, const runtime::Process &process,
                                  runtime::Agent &agent, const std::vector<runtime::Mapping> &maps);

// One place that gets new bytes at the switch.
struct PlaceChange {
  RemoteAddress address;
  Bytes bytes;
  bool code = false;
};
// Adds writes and guards for `changes` to the job: data first, then code in whole aligned words, each guarded by the
// bytes that stand around the change now. Pages of code are made private on the way, so that no copy is made in the
// window.
Result<void> addWrites(SwitchJob &job, const std::vector<PlaceChange> &changes, const runtime::Process &process);

} // namespace lpc::backend
