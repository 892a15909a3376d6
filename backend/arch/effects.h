// What code of a payload does when it runs, found out without running it (Arch::isIdle).
//
// gcc's start files put code into every shared object's initialisers and terminators: they register clones for
// transactional memory and call profiling hooks, and do nothing where there are none. A payload must not be
// refused for that, but a real constructor must never be dropped. Neither names (stripped files have none) nor byte
// patterns (every compiler build has its own) tell the two apart soundly; following the code does.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/support/bytes.h"

namespace lpc::backend {

// The payload's memory before any of its code has run. Addresses are the payload's, moved by some base.
class CodeMemory {
public:
  virtual ~CodeMemory() = default;
  // Executable bytes from `address` to the end of their segment; empty where there are none.
  [[nodiscard]] virtual BytesView code(uint64_t address) const = 0;
  // The little-endian value at `address`; nothing where it is outside of the payload, or depends on the process.
  [[nodiscard]] virtual std::optional<uint64_t> load(uint64_t address, unsigned width) const = 0;
  [[nodiscard]] virtual bool isWritable(uint64_t address, unsigned width) const = 0;
};

enum class AllowedEffects : uint8_t {
  None,      // changes nothing but its own stack frame
  OwnMemory, // … and the payload's own writable memory
};

} // namespace lpc::backend
