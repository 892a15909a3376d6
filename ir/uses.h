// Where a patch uses addresses and memory, whatever the statement. Internal to ir/.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "ir/patch.h"

namespace lpc::ir {

// One use of an address: what it is for, and how many bytes there are read or written (0: only its value counts).
struct Use {
  size_t operation = 0;
  const char *what = "";
  const Address &address;
  uint64_t size = 0;
};
using VisitUse = std::function<void(const Use &)>;

// Every address of every operation, but not what stands inside [ ].
void forEachUse(const Patch &patch, const VisitUse &visit);
// Every address, from the outside in; stops where the nesting is deeper than kMaxLoadDepth.
void forEachAddress(const Patch &patch, const VisitUse &visit);

// The memory that an operation makes, and the one that an address lies in.
std::optional<MemoryId> memoryMadeBy(const Action &action);
std::optional<MemoryId> memoryOf(const Address &address);

// A patch that was read may name any machine.
inline bool machineKnown(const Patch &patch) { return patch.machine <= Machine::AArch64; }

} // namespace lpc::ir
