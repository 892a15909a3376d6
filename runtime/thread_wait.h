// What a thread waits for in the kernel, as /proc shows it.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "runtime/process.h"

namespace lpc::runtime {

// Inside vfork (or clone with CLONE_VFORK, as posix_spawn calls it): it waits, unstoppably, until its child executes a
// program or ends.
bool waitsForVfork(const Process &process, pid_t tid);

// The same of any process, seen from outside: sleeps uninterruptibly in a call that makes a process.
bool mayWaitForVfork(pid_t pid, pid_t tid);

// The number and arguments of the call in /proc/PID/task/TID/syscall; number -1 outside of one or where it runs.
struct BlockedCall {
  long number = -1;
  std::array<uint64_t, 6> arguments{};
  RemoteAddress stackPointer, programCounter;
};
BlockedCall blockedCall(pid_t pid, pid_t tid);
BlockedCall parseBlockedCall(std::string_view text);

// The function of the kernel that it sleeps in (/proc/PID/task/TID/wchan); "" where that is not shown.
std::string kernelFunction(pid_t pid, pid_t tid);

} // namespace lpc::runtime
