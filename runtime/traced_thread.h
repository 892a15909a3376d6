// One thread under ptrace, as the borrower and the agent drive it: one that is led through code and system calls. (The
// threads of the program, which are only stopped and let go, are Tracee's, in tracee.h.)
//
// All calls of one object come from the thread of ours that seized it (the kernel's rule). Nobody is ever ended or
// single-stepped; what is still attached when we die goes on from where it stands.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "runtime/process.h"

namespace lpc::runtime {

// Why a thread stands.
struct ThreadStop {
  enum class Kind : uint8_t {
    Trap,    // our interrupt, a group stop, or the birth of a thread that was attached with its parent
    Signal,  // in front of the delivery of `signal`, which has to be given back
    Syscall, // entry or exit of a system call
    Clone,   // inside a clone that succeeded, and before it waits for `child` where it is to (CLONE_VFORK)
    Exec,    // at the first instruction of a program that it has executed
    Exit,    // on its way out: its registers are those of its last moment
    Ended,   // it has exited; `status` as for exit(2), or 128 + signal
  };
  Kind kind = Kind::Ended;
  int signal = 0;
  pid_t child = 0;
  int status = 0;
  [[nodiscard]] bool over() const { return kind == Kind::Exit || kind == Kind::Ended; }
  [[nodiscard]] int signalToGiveBack() const { return kind == Kind::Signal ? signal : 0; }
};

// How a thread goes on: until something happens, or until the next system call's entry or exit too.
enum class Resume : uint8_t { Freely, ToSyscall };

class TracedThread {
public:
  // PTRACE_SEIZE, which disturbs nobody. NotPermitted, ProcessGone, CannotStop.
  static Result<TracedThread> seize(pid_t tid);
  // A thread that was attached by being born of a traced one with traceBirths().
  static TracedThread adopt(pid_t tid) { return TracedThread(tid); }
  TracedThread() = default;
  TracedThread(TracedThread &&other) noexcept : tid_(std::exchange(other.tid_, 0)) {}
  TracedThread &operator=(TracedThread &&other) noexcept;
  ~TracedThread(); // detaches; a thread that runs is stopped for it

  [[nodiscard]] pid_t tid() const { return tid_; }
  [[nodiscard]] bool attached() const { return tid_ != 0; }

  // Each of these needs a standing thread, but for interrupt(), await() and look(). ProcessGone when there is none (any
  // more).
  Result<void> interrupt() const;
  // The next stop, left in place for our successor (WNOWAIT): a signal that it stands before is not lost if we are
  // killed. After an end the object is empty. CannotStop at the deadline.
  Result<ThreadStop> await(Deadline deadline);
  // The same without a deadline, for what has not begun: it may take as long as its dynamic linker does.
  Result<ThreadStop> await();
  // The stop that is there already; nothing when it runs.
  Result<std::optional<ThreadStop>> look();
  Result<void> resume(Resume how, int signal = 0) const;
  Result<void> detach(int signal = 0);

  // The births and the end of this thread are reported, its children attached with the same options, its system calls
  // told apart from traps, and its seccomp filters sleep where `suspendSeccomp` (NotPermitted without CAP_SYS_ADMIN).
  Result<void> traceBirths(bool suspendSeccomp) const;
  // Only its end is reported, and its system calls are told apart from traps; its children are nobody's business.
  Result<void> traceOnly() const;
  // The programs that it executes are reported, and it is ended with us (PTRACE_O_EXITKILL): only for a process that
  // has not begun.
  Result<void> traceStart() const;
  // It stops in front of the instruction at `address` (a debug register, so no byte changes and no thread or child of
  // it stops); nothing: it does no longer.
  Result<void> stopBefore(std::optional<RemoteAddress> address) const;
  // What the signal is that it stands before.
  [[nodiscard]] Result<siginfo_t> signalInfo() const;
  [[nodiscard]] Result<user_regs_struct> registers() const;
  Result<void> setRegisters(const user_regs_struct &registers) const;
  [[nodiscard]] Result<uint64_t> signalMask() const;
  Result<void> setSignalMask(uint64_t mask) const;
  // Inside a restartable sequence (rseq(2)) at `programCounter`? It must not be led elsewhere and back there.
  [[nodiscard]] bool insideRestartableSequence(const Process &process, RemoteAddress programCounter) const;
  // Its `cpu_id` in its struct rseq; 0: it has none, or the kernel does not tell.
  [[nodiscard]] RemoteAddress restartableCpu() const;
  // Writes bytes to any private mapping, word by word: for kernels that do not let /proc/PID/mem do it.
  Result<void> poke(RemoteAddress to, BytesView bytes) const;

private:
  explicit TracedThread(pid_t tid);
  void letGo();
  pid_t forget();
  pid_t tid_ = 0;
};

} // namespace lpc::runtime
