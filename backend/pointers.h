// Does anything in the process point into memory that is to be given back? Looks everywhere, and when in doubt, it
// does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "backend/registry.h"
#include "backend/switch.h"
#include "runtime/agent.h"

namespace lpc::backend {

struct SoughtMemory {
  std::string name;                   // for messages
  std::vector<RemoteRange> ranges{};  // ascending, not empty
  std::vector<RemoteRange> ignored{}; // memory that is not searched; that of `ranges` is not either
  // A word that points into it and stands at `at` is one that nobody follows any more.
  std::function<bool(uint64_t word, RemoteAddress at)> isDead{};
};

// True: no register, no stack, no word of writable memory and no handler of a signal does. False: something does, and
// `why` says what. `record`: of the patch, whose state the stop finds and leaves. `stacks` are those of the last stop
// (SwitchResult), which tell stacks from other memory; none: no stop went so far. The process stands for one short
// stop. ProcessGone, RemoteCallFailed, and why it could not be stopped.
Result<bool> isPointedAtByNobody(const SoughtMemory &sought, const FoundRecord &record,
                                 const std::vector<StackPosition> &stacks, const runtime::Process &process,
                                 const Snapshot &snapshot, runtime::Agent &agent, std::string &why);

} // namespace lpc::backend
