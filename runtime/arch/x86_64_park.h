// The code in which the first thread of a program sleeps at its entry point while lpc works on the process.
#pragma once

#include <sys/user.h>

#include <array>
#include <cstdint>

#include "ir/support/address.h"
#include "ir/support/bytes.h"

namespace lpc::runtime::x86_64 {

// Sleeps in poll(2) until the one descriptor of its list is readable, then ends the process with kParkStatus; a signal
// whose handler ran is no reason. Position-independent.
inline constexpr int kParkStatus = 137; // as after SIGKILL, for a shell
struct ParkStub {
  Bytes code;
  uint32_t sleep = 0; // its beginning
  uint32_t call = 0;  // a `syscall` instruction
};
const ParkStub &parkStub();

// The list for poll: struct pollfd, waiting for POLLIN.
std::array<uint8_t, 8> pollList(int descriptor);

// Registers for the sleep at `stub`: the list stands at `list`, with the stack pointer there.
user_regs_struct parked(user_regs_struct registers, RemoteAddress stub, RemoteAddress list);

// What ends the process that executes it; `registers` tell a 32-bit program. It needs nothing in registers: one that
// stands in its execve gets rax from the kernel when it goes on.
Bytes exitCode(const user_regs_struct &registers, int status);

} // namespace lpc::runtime::x86_64
