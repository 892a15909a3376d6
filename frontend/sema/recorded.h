// Proof 6: the bytes that stand at a changed place, where the file decides them.
#pragma once

#include "frontend/sema/addresses.h"

namespace lpc::sema {

// The bytes of [address, address + size), if every process that runs the file has them there: not writable, or made
// read-only after relocation, and not relocated. Nothing where the process decides.
std::optional<Bytes> recordedBytes(const target::ElfFile &file, LinkAddress address, uint64_t size);

// Compares what `was` states with what the file has. WasMismatch.
bool wasHolds(const Spot &spot, const Bytes &recorded, const Bytes &was, Place place, Context &context);

} // namespace lpc::sema
