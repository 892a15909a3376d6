// Is an object that `dlopen` has loaded for a patch still in use?
#pragma once

#include <string>

#include "backend/registry.h"
#include "backend/switch.h"
#include "runtime/agent.h"

namespace lpc::backend {

// True: nothing of the process points into it, nor into what is unloaded with it, nor into the memory of its patch,
// whose code may call it. False: `why`. What its own dynamic linker has of it does not count, nor what the object has
// registered for its end, for dlclose takes that away. Others as isPointedAtByNobody (pointers.h).
Result<bool> isUnused(const RecordedOpening &opening, const FoundRecord &found,
                      const std::vector<StackPosition> &stacks, const runtime::Process &process, runtime::Agent &agent,
                      std::string &why);

} // namespace lpc::backend
