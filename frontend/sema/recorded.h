// Proof 6: the bytes that stand at a changed place, where the file decides them.
#pragma once

#include "frontend/sema/addresses.h"

namespace lpc::sema {

// The bytes of [address, address + size), if every process that runs the file has them there: not writable, or made
// read-only after relocation, and not relocated. Nothing where the process decides.
std::optional<Bytes> recordedBytes(const target::ElfFile &file, LinkAddress address, uint64_t size);

// Compares what `was` or `expect` states with what the file has; reports `otherwise`.
struct Mismatch {
  DiagnosticId id{};
  Place place{};
};
bool fileHas(const Spot &spot, const Bytes &recorded, const Bytes &stated, const Mismatch &otherwise, Context &context);

} // namespace lpc::sema
