// A thread of ours in the process: it performs system calls for us, and ends by itself when we die.
//
// Between calls it stands in a ptrace stop, and what it would execute next gives back the memory that it owns and
// ends it (x86_64_stub.h, the agent's program). It has all signals blocked and shares another thread's thread pointer,
// so it never runs any code but that program.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "runtime/traced_thread.h"

namespace lpc::runtime {

class RemoteThread {
public:
  // `thread` stands, its registers are those of borrowForClone or of born(). `program`: where the agent's program
  // stands.
  static Result<RemoteThread> take(TracedThread thread, RemoteAddress program);
  RemoteThread(RemoteThread &&) noexcept = default;
  RemoteThread &operator=(RemoteThread &&) noexcept = default;
  ~RemoteThread() = default; // detaches, which ends it: see end() for knowing that it has

  [[nodiscard]] pid_t tid() const { return thread_.tid(); }
  [[nodiscard]] bool attached() const { return thread_.attached(); }

  // One system call; the raw result. ProcessGone, RemoteCallFailed (no result in time: then the thread is lost to us).
  Result<int64_t> call(long number, const std::array<uint64_t, 6> &arguments, Deadline deadline);
  // Maps memory, readable and writable, that it gives back when it ends, even if we die inside the call. Once.
  // RemoteCallFailed, ProcessGone.
  Result<RemoteRange> ownMemory(uint64_t size, Deadline deadline);
  [[nodiscard]] RemoteRange memory() const { return memory_; }
  // Clones: another thread of ours that owns nothing yet, with the same file descriptors.
  Result<RemoteThread> bear(Deadline deadline);

  // Writes to code of the process, where the kernel lets only the tracer do so.
  Result<void> poke(RemoteAddress to, BytesView bytes) const { return thread_.poke(to, bytes); }
  // Lets it run with these registers (but for those of x86_64_stub.h); it won't be ours to command any more. For code
  // that makes one thread.
  Result<void> launch(user_regs_struct registers);
  // After launch(): the thread that it has made to run on `stack`, at its first instruction, while it stands itself;
  // nothing, with its status, when it ended without one. Others that come to be meanwhile (an allocator may have
  // threads of its own) are let go. ProcessGone, CannotStop at the deadline.
  Result<TracedThread> birth(RemoteRange stack, int &status, Deadline deadline);
  [[nodiscard]] const user_regs_struct &registers() const { return registers_; } // those of its own birth

  // Sets where it goes on, and with which r15, when it is let go: by proceed(), or by our death. aim(leave) takes that
  // back. ProcessGone.
  Result<void> aim(uint32_t entry, RemoteAddress r15);
  // Lets it run from where it was aimed at; it won't be ours to command any more, only to wait for.
  Result<void> proceed();
  // After proceed(): its registers, once it is on its way out (Exit); nothing as long as it is not. Where it was
  // stopped with the process it goes on. ProcessGone when it was killed.
  Result<std::optional<user_regs_struct>> lastRegisters();
  // Ends it: it gives back what it owns. Returns its exit status; CannotStop when it has not ended in time.
  Result<int> end(Deadline deadline);

private:
  RemoteThread(TracedThread thread, RemoteAddress program, const user_regs_struct &registers)
      : thread_(std::move(thread)), program_(program), registers_(registers) {}
  Result<int64_t> perform(uint32_t entry, long number, const std::array<uint64_t, 6> &arguments, Deadline deadline);
  Result<ThreadStop> nextStop(ThreadStop::Kind kind, Deadline deadline);
  user_regs_struct owning() const;

  TracedThread thread_;
  RemoteAddress program_;
  user_regs_struct registers_;
  RemoteRange memory_{};
  std::optional<pid_t> born_{};
  bool launched_ = false;
};

} // namespace lpc::runtime
