// A live process: who it is, and whether it still is the one we looked at.
//
// Identity is a pidfd (Linux 5.3), the start time of /proc/PID/stat, and the file behind /proc/PID/exe; the path alone
// is never trusted. Nothing here stops or changes the process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ir/machine/machine.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::runtime {

struct ThreadStat; // runtime/proc_text.h

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

// An owned file descriptor; -1 is none.
class FileDescriptor {
public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor &&other) noexcept : fd_(other.release()) {}
  FileDescriptor &operator=(FileDescriptor &&other) noexcept;
  ~FileDescriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

private:
  int fd_ = -1;
};

class Process {
public:
  // Looks at the process and refuses what can't be patched: NoSuchProcess, NotPermitted, KernelThread, ZombieProcess,
  // AlreadyTraced, OwnProcess, OtherMachine, PendingVfork (it is the child of one), SharedMemory (with its parent).
  // `pid` may be any thread's id; the thread group leader is used.
  static Result<Process> open(pid_t pid);
  Process(Process &&) noexcept = default;
  Process &operator=(Process &&) noexcept = default;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] Machine machine() const { return machine_; }
  [[nodiscard]] const std::string &executable() const { return executable_; } // readlink of /proc/PID/exe, for messages
  [[nodiscard]] std::string proc(const std::string &file) const;              // "/proc/PID/file"
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  [[nodiscard]] uint64_t startTime() const { return startTime_; } // clock ticks since boot

  // The same process, running the same program as when it was opened? ProcessGone, ProcessChanged.
  [[nodiscard]] Result<void> stillSame() const;
  [[nodiscard]] bool ended() const;    // all its threads have
  [[nodiscard]] bool dying() const;    // it has ended, or was killed and will at once
  [[nodiscard]] bool executes() const; // one of its threads lives and has a program, whatever became of the others
  // The part of stillSame() that is one system call and opens no file, for use while the process stands: it has neither
  // ended nor executed a program since it was opened. Every read and write below says the same for itself.
  [[nodiscard]] Result<void> sameMemory() const;

  // Reads or writes its memory while it runs or stands, through the one descriptor of /proc/PID/mem: also read-only
  // private pages are written (FOLL_FORCE), and never the memory of a program executed later. Where the kernel grants
  // that to tracers only, writing to read-only pages works while the process stands in Tracees::stop of the same
  // thread. ProcessGone, ProcessChanged, BadAddress; short transfers are errors.
  Result<void> read(RemoteAddress from, std::span<uint8_t> into) const;
  Result<Bytes> read(RemoteAddress from, uint64_t size) const;
  Result<void> write(RemoteAddress to, BytesView bytes) const;
  Result<uint64_t> readWord(RemoteAddress from) const; // pointer size of the machine
  // Many reads in one call, a third of the time for each. For how many of them, from the first on, all bytes were read:
  // fewer where memory can't be read, or not in this way. At most kTogether.
  struct Piece {
    RemoteAddress from;
    std::span<uint8_t> into;
  };
  static constexpr size_t kTogether = 64;
  [[nodiscard]] size_t readTogether(std::span<const Piece> pieces) const;
  // Bulk writes to memory that is writable to the process itself (20 ms for 64 MiB).
  Result<void> fill(RemoteAddress to, BytesView bytes) const;

private:
  Process() = default;
  Result<void> identify(const std::string &described);
  [[nodiscard]] Error gone() const; // why its memory is no more: ProcessGone or ProcessChanged
  pid_t pid_ = 0;
  Machine machine_ = Machine::X86_64;
  std::string executable_;
  unsigned long long startTime_ = 0;
  uint64_t exeDevice_ = 0, exeInode_ = 0;
  FileDescriptor pidfd_, mem_;
};

// Thread ids of /proc/PID/task, ascending; ProcessGone.
Result<std::vector<pid_t>> threadIds(pid_t pid);
// comm of a thread; "" when it is gone.
std::string threadName(pid_t pid, pid_t tid);
// Of /proc/PID/task/TID/stat; nothing when it is gone.
std::optional<ThreadStat> threadStat(pid_t pid, pid_t tid);
// The id by which a thread knows itself, in its own pid namespace; `tid` where the kernel does not tell (before 4.1).
pid_t idInside(pid_t pid, pid_t tid);
// The thread of the process that knows itself by this id; 0 when there is none.
pid_t threadInside(pid_t pid, pid_t inner);
// State letter of /proc/PID/task/TID/stat (R S D T t Z X I), 'X' when it is gone.
char threadState(pid_t pid, pid_t tid);

} // namespace lpc::runtime
