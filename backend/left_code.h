// Taking away the code of ours that an lpc that was killed has left in the process.
#pragma once

#include "backend/play.h"
#include "runtime/agent.h"

namespace lpc::backend {

// Looks for it, and where there is some, stops the process once or a few times and erases what no thread is in, nor
// comes back to. What is in use stays, and is erased by a later command. No other lpc works on the process
// (runtime/process_lock.h). `snapshot`: of now. `agent`: where there is one; its program is none that was left.
void eraseLeftCode(const runtime::Process &process, const Snapshot &snapshot, const PlayOptions &options,
                   const runtime::Agent *agent = nullptr);

} // namespace lpc::backend
