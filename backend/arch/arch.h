// What the backend needs to know of a machine: one implementation file each (x86_64.cpp, …), chosen by Machine.
#pragma once

#include <memory>

#include "ir/machine/decoder.h"
#include "ir/machine/machine.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::backend {

class Arch {
public:
  virtual ~Arch() = default;

  // How far the near jump reaches, in bytes each way, with a margin for the jump itself.
  [[nodiscard]] virtual uint64_t reach() const = 0;
  // The near jump at `from` to `to`; RelocationOverflow when out of reach.
  [[nodiscard]] virtual Result<Bytes> jump(RemoteAddress from, RemoteAddress to) const = 0;
  // A jump that reaches everything, for a detour in new memory (x86-64: `jmp [rip+0]` and the address, 14 bytes).
  [[nodiscard]] virtual Bytes farJump(RemoteAddress to) const = 0;
  // No-ops of exactly `size` bytes.
  [[nodiscard]] virtual Bytes noops(uint64_t size) const = 0;

  static const Arch &of(Machine machine); // LPC_CHECKs that the machine is supported
};

} // namespace lpc::backend
