// Giving back the memory of a patch that is no longer on the process.
#pragma once

#include <string>

#include "backend/plan.h"
#include "backend/registry.h"
#include "backend/switch.h"
#include "runtime/agent.h"

namespace lpc::backend {

// Unmaps the memory and the record of `found` when nothing in the process can point into it: no register, no stack, no
// word of writable memory. True: it is gone. False: something does; the record stays, in state Reverted, and the next
// command tries again; `why` says what was found. `stacks` are those of the last stop (SwitchResult), which
// tell stacks from other memory. The process stands for one short stop.
Result<bool> releaseMemory(const FoundRecord &found, const std::vector<StackPosition> &stacks,
                           const runtime::Process &process, runtime::Agent &agent, std::string &why);

} // namespace lpc::backend
