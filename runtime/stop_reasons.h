// Why a thread could not be stopped, in words.
#pragma once

#include "runtime/process.h"

namespace lpc::runtime {

std::string threadNamed(pid_t pid, pid_t tid); // "thread 12 (`worker`) of process 7"
// PTRACE_SEIZE was refused: AlreadyTraced, NotPermitted.
Error whyNotSeized(const Process &process, pid_t tid);
// It was asked to stop and did not: PendingVfork, CannotStop.
Error whyNotStopped(const Process &process, pid_t tid);
// SharedMemory: `other` is no thread of the process, and no child of a vfork.
Error sharedMemory(pid_t pid, pid_t other);

} // namespace lpc::runtime
