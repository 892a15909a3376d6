// Registers of a stopped thread, as far as the executor needs them, without naming a machine.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <vector>

#include "ir/support/address.h"
#include "ir/support/result.h"

namespace lpc::runtime {

// The raw set of the machine that lpc was built for, plus the questions that are asked of it. arch/ has one
// implementation file a machine.
struct Registers {
  user_regs_struct raw{};
  bool positionOnly = false; // of a thread that was not stopped: only the next three are known, the rest is 0

  [[nodiscard]] RemoteAddress programCounter() const;
  [[nodiscard]] RemoteAddress stackPointer() const;
  [[nodiscard]] RemoteAddress threadPointer() const; // of the thread control block (x86-64: fs base)
  void setProgramCounter(RemoteAddress a);
  static Registers at(RemoteAddress programCounter, RemoteAddress stackPointer, RemoteAddress threadPointer);
  // Every general-purpose register, for looking for pointers.
  [[nodiscard]] std::vector<uint64_t> words() const;
  // On its way out of a system call that fails with EINTR because of the stop, and that may be made again (executor
  // notes, "the cure"). False for the calls that have done their work in spite of EINTR (close).
  [[nodiscard]] bool interruptedCall() const;
  // Makes the kernel restart that call as after a stop without a handler: return value -ERESTARTNOHAND. A handler that
  // runs first still makes it EINTR.
  void restartCall();
};

// Of a thread that this thread of ours traces and that stands. ProcessGone when it has been killed meanwhile.
Result<Registers> readRegisters(pid_t tid);
Result<void> writeRegisters(pid_t tid, const Registers &registers);

} // namespace lpc::runtime
