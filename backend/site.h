// Jump sites that could not be proved from files: absolute addresses, pointers, memory without symbols.
#pragma once

#include "backend/plan.h"

namespace lpc::backend {

struct Site {
  RemoteAddress address; // where the jump is written: behind an endbr64 that stays
  Bytes bytes;           // what stands there: whole instructions that cover the jump
};

// Decodes from `address` in the process until there is room for `size` bytes of new code. NotAnInstruction,
// SiteTooShort (control leaves before the new code ends), BadAddress, NotCode.
Result<Site> proveSite(Machine machine, RemoteAddress address, uint64_t size, const runtime::Process &process,
                       const Snapshot &snapshot);

// `size` bytes from `address` are whole instructions. NotAnInstruction, BadAddress, NotCode.
Result<void> proveInstructions(Machine machine, RemoteAddress address, uint64_t size, const runtime::Process &process,
                               const Snapshot &snapshot);

} // namespace lpc::backend
