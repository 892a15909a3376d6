// Registers of a stopped thread, as far as the executor needs them, without naming a machine.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>

#include "ir/support/address.h"
#include "ir/support/result.h"

namespace lpc::runtime {

// The raw set of the machine that lpc was built for, plus the questions that are asked of it. arch/ has one
// implementation file a machine.
struct Registers {
  user_regs_struct raw{};

  [[nodiscard]] RemoteAddress programCounter() const;
  [[nodiscard]] RemoteAddress stackPointer() const;
  void setProgramCounter(RemoteAddress a);
  // In a system call that the stop made return EINTR (executor notes, "the cure").
  [[nodiscard]] bool interruptedCall() const;
  // Makes the kernel restart that call as after a stop without a handler: return value -ERESTARTNOHAND.
  void restartCall();
};

Result<Registers> readRegisters(pid_t tid);
Result<void> writeRegisters(pid_t tid, const Registers &registers);

} // namespace lpc::runtime
