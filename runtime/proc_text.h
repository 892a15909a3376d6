// Small files of /proc and what stands in them (proc(5)). Their text comes from a process we don't control
// (its name may hold brackets, blanks and newlines), so the parsers take any bytes.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace lpc::runtime {

// The whole text of a file; errno when it cannot be opened or read.
std::expected<std::string, int> readText(const std::string &path);

// The fields of /proc/PID/stat that are asked for.
struct ThreadStat {
  char state = 'X';
  int parent = 0;         // process id of the parent
  uint64_t flags = 0;     // PF_… of the kernel's sched.h
  uint64_t startTime = 0; // in clock ticks since boot
  int processor = -1;     // it runs on, or ran on last
  int realtime = 0;       // priority of SCHED_FIFO and SCHED_RR, 1 to 99; 0: none
  bool operator==(const ThreadStat &) const = default;
  // A worker of io_uring (PF_IO_WORKER; in the task list since Linux 5.12): it never executes code of the program.
  [[nodiscard]] bool isKernelWorker() const { return (flags & 0x10) != 0; }
};
// Nothing where the text is no stat line.
std::optional<ThreadStat> parseStat(std::string_view text);

// The value behind "NAME:" in /proc/PID/status, without surrounding blanks; "" where there is none.
std::string_view statusField(std::string_view status, std::string_view name);
// The first number of that value in `base`; nothing where there is none.
std::optional<uint64_t> statusNumber(std::string_view status, std::string_view name, int base = 10);

} // namespace lpc::runtime
