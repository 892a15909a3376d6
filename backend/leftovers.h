// Taking away what an lpc that was killed has left in the process (runtime/leftovers.h).
#pragma once

#include "backend/play.h"
#include "runtime/agent.h"

namespace lpc::backend {

// Looks for it, and where there is some, stops the process once or a few times and erases what no thread is in, nor
// comes back to. What is in use stays, and is erased by a later command. No other lpc works on the process
// (runtime/process_lock.h). `snapshot`: of now. `agent`: where there is one, without a worker; its program is none that
// was left.
void eraseLeftovers(const runtime::Process &process, const Snapshot &snapshot, const PlayOptions &options,
                    const runtime::Agent *agent = nullptr);

} // namespace lpc::backend
