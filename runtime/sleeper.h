// Where a blocked thread is, asked of the kernel without stopping it (/proc/PID/task/TID/syscall, proc_pid_syscall(5)).
//
// A thread that sleeps neither moves nor writes its frames, so its stack can be read as if it stood: as long as it
// slept on until the reading was over, which is asked afterwards.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/process.h"
#include "runtime/stop.h"

namespace lpc::runtime {

struct Sleeper {
  // Its registers are `positionOnly`. The thread pointer is any address in its control block; 0 where it is not known.
  StoppedThread thread;
  std::string seen; // what stays the same as long as it sleeps
};

// Nothing: it runs, or could. An error number: the kernel does not tell; ENOENT or ESRCH: the thread has ended.
std::expected<std::optional<Sleeper>, int> sleeperAt(const Process &process, pid_t tid);
// It has not run since.
bool sleptOn(const Process &process, const Sleeper &sleeper);

struct Position {
  RemoteAddress programCounter, stackPointer; // both 0: of a thread without any, which ends or is the kernel's
  bool operator==(const Position &) const = default;
};
// The text of that file; nothing for "running" and for what is no such text.
std::optional<Position> parsePosition(std::string_view text);

} // namespace lpc::runtime
