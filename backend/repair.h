// Repair: what an earlier lpc left when it was killed in the middle of its work.
#pragma once

#include <string>
#include <vector>

#include "backend/caller.h"
#include "backend/plan.h"
#include "backend/registry.h"
#include "runtime/agent.h"

namespace lpc::backend {

// A record that needs a hand: its lpc did not finish, or memory of a reverted patch is still waiting to be given back.
bool needsRepair(const FoundRecord &found);

// Puts the old bytes of every interrupted patch back, makes the calls that are due then (Finish), and gives memory back
// where nothing points into it any more. Afterwards every record is Applied, or Reverted with memory that is kept.
// `remarks` gets a sentence for each thing done. ProcessBusy, AlreadyTraced (the other lpc is still at work), ….
Result<void> repair(const std::vector<FoundRecord> &records, const runtime::Process &process, const Snapshot &snapshot,
                    runtime::Agent &agent, Caller &caller, std::vector<std::string> &remarks);

} // namespace lpc::backend
