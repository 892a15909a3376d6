// Why a process cannot be patched, from facts that /proc shows: pure functions, so that every message has a test.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "ir/support/result.h"
#include "runtime/proc_text.h"

namespace lpc::runtime {

// What decides whether the kernel lets one process trace another (ptrace(2), "Ptrace access mode checking").
struct AccessFacts {
  uid_t ourUser = 0; // of the file system, as PTRACE_MODE_FSCREDS takes it
  gid_t ourGroup = 0;
  uint64_t ourCapabilities = 0;              // effective
  std::array<uint64_t, 3> users{}, groups{}; // real, effective, saved: those of the process
  uint64_t capabilities = 0;                 // permitted: those of the process
  std::optional<bool> dumpable{};            // nothing: could not be found out
  bool otherUserNamespace = false;
  int yamaScope = -1; // kernel.yama.ptrace_scope; -1: no yama
};

// The facts for process `pid`, whose /proc/PID/status is `status`.
AccessFacts accessFacts(pid_t pid, std::string_view status);

// NotPermitted with the first reason, in the order in which the kernel asks.
Error explainDenied(pid_t pid, const AccessFacts &facts);

// A process as a whole, by the status and stat files of its first thread: KernelThread, ZombieProcess, AlreadyTraced.
// `tracerName` is the comm of the tracer (looked up by the caller); being traced by `ourPid` is no hindrance.
std::optional<Error> refuseByState(pid_t pid, std::string_view status, const ThreadStat &stat, pid_t ourPid,
                                   const std::string &tracerName);

// "process 42 (nginx)"
std::string processNamed(pid_t pid, std::string_view status);

} // namespace lpc::runtime
