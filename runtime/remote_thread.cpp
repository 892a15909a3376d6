// System calls by a thread of ours, through PTRACE_SYSCALL: registers, entry stop, exit stop.
//
// Why never PTRACE_SINGLESTEP or a breakpoint: both kill the process when we die between the two halves. A
// PTRACE_SYSCALL stop leaves nothing behind: detached there, the thread completes the call and goes on behind it.
//
// Only SIGKILL and SIGSTOP reach this thread. A SIGSTOP that it has to take for the process is passed on; a group stop
// of the process does not hold it, since for a traced thread that is the tracer's decision (ptrace(2), "Group-stop").
#include "runtime/remote_thread.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>

#include "ir/support/cat.h"
#include "runtime/arch/x86_64_stub.h"

namespace lpc::runtime {
namespace {

Error lost(pid_t tid) {
  return {.id = DiagnosticId::ProcessGone,
          .message =
              tid ? cat("lpc's thread ", tid, " in the process has ended") : "lpc's thread in the process has ended"};
}

} // namespace

Result<RemoteThread> RemoteThread::take(TracedThread thread, RemoteAddress program) {
  auto registers = thread.registers();
  if (!registers) return std::unexpected(registers.error());
  return RemoteThread(std::move(thread), program, *registers);
}

user_regs_struct RemoteThread::owning() const {
  user_regs_struct registers = registers_;
  registers.orig_rax = ~uint64_t{0};
  registers.r12 = memory_.begin.value;
  registers.r13 = memory_.size();
  registers.rbx = 0;
  return registers;
}

Result<ThreadStop> RemoteThread::nextStop(ThreadStop::Kind kind, Deadline deadline) {
  int signal = 0;
  pid_t tid = thread_.tid();
  for (;;) {
    if (auto done = thread_.resume(Resume::ToSyscall, signal); !done) return std::unexpected(done.error());
    auto stop = thread_.await(deadline);
    if (!stop) {
      if (stop.error().id != DiagnosticId::CannotStop) return stop;
      launched_ = true; // no longer at our command
      return fail(DiagnosticId::RemoteCallFailed,
                  cat("a system call of lpc's thread ", tid, " in the process did not return in time"));
    }
    if (stop->over()) {
      launched_ = true;
      return std::unexpected(lost(tid));
    }
    if (stop->kind == kind) return stop;
    if (stop->kind == ThreadStop::Kind::Clone) born_ = stop->child;
    signal = stop->signalToGiveBack();
  }
}

Result<int64_t> RemoteThread::perform(uint32_t entry, long number, const std::array<uint64_t, 6> &arguments,
                                      Deadline deadline) {
  if (!thread_.attached() || launched_) return std::unexpected(lost(thread_.tid()));
  user_regs_struct registers = owning();
  x86_64::prepareCall(registers, program_ + entry, number, arguments);
  if (auto done = thread_.setRegisters(registers); !done) return std::unexpected(done.error());
  for (int stops = 0; stops < 2; stops++) // entry, exit
    if (auto stop = nextStop(ThreadStop::Kind::Syscall, deadline); !stop) return std::unexpected(stop.error());
  auto result = thread_.registers();
  if (!result) return std::unexpected(result.error());
  return static_cast<int64_t>(result->rax);
}

Result<int64_t> RemoteThread::call(long number, const std::array<uint64_t, 6> &arguments, Deadline deadline) {
  return perform(x86_64::agentProgram().call, number, arguments, deadline);
}

Result<RemoteRange> RemoteThread::ownMemory(uint64_t size, Deadline deadline) {
  LPC_CHECK(memory_.size() == 0);
  // Before the call r13 says how much, and r12 becomes the result in the instruction behind it.
  memory_ = {{}, {size}};
  auto result = perform(x86_64::agentProgram().map, SYS_mmap,
                        {0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~uint64_t{0}, 0}, deadline);
  memory_ = {};
  if (!result) return std::unexpected(result.error());
  if (*result < 0 && *result >= -4095)
    return failErrno(DiagnosticId::RemoteCallFailed, cat("mmap of ", size, " bytes in the process"),
                     static_cast<int>(-*result));
  RemoteAddress at{static_cast<uint64_t>(*result)};
  memory_ = {at, at + size};
  return memory_;
}

Result<RemoteThread> RemoteThread::bear(Deadline deadline) {
  born_.reset();
  auto result = perform(x86_64::agentProgram().clone, SYS_clone, {x86_64::cloneFlags()}, deadline);
  if (!result) return std::unexpected(result.error());
  if (*result < 0 || !born_)
    return failErrno(DiagnosticId::RemoteCallFailed, "the process may have no further thread: clone",
                     static_cast<int>(-*result));
  TracedThread child = TracedThread::adopt(*born_);
  auto stop = child.await(deadline);
  if (!stop) return std::unexpected(stop.error());
  if (stop->over()) return std::unexpected(lost(*born_));
  return take(std::move(child), program_);
}

Result<void> RemoteThread::launch(user_regs_struct registers) {
  if (!thread_.attached() || launched_) return std::unexpected(lost(thread_.tid()));
  user_regs_struct own = owning();
  registers.orig_rax = own.orig_rax, registers.rbx = own.rbx, registers.r12 = own.r12, registers.r13 = own.r13;
  if (auto done = thread_.setRegisters(registers); !done) return done;
  return proceed();
}

Result<TracedThread> RemoteThread::birth(RemoteRange stack, int &status, Deadline deadline) {
  pid_t tid = thread_.tid();
  for (;;) {
    auto stop = thread_.await(deadline);
    if (!stop) return std::unexpected(stop.error());
    if (stop->kind == ThreadStop::Kind::Ended) return std::unexpected(lost(tid));
    if (stop->kind == ThreadStop::Kind::Exit) {
      auto registers = thread_.registers();
      if (!registers) return std::unexpected(registers.error());
      status = static_cast<int>(registers->rbx);
      return TracedThread();
    }
    if (stop->kind == ThreadStop::Kind::Clone) {
      TracedThread child = TracedThread::adopt(stop->child);
      auto born = child.await(deadline);
      if (!born) return std::unexpected(born.error());
      if (born->over()) return std::unexpected(lost(stop->child));
      auto registers = child.registers();
      if (!registers) return std::unexpected(registers.error());
      if (stack.contains({registers->rsp})) return born_ = stop->child, std::move(child);
    } // `child` detaches
    if (auto done = thread_.resume(Resume::Freely, stop->signalToGiveBack()); !done)
      return std::unexpected(done.error());
  }
}

Result<void> RemoteThread::aim(uint32_t entry, RemoteAddress r15) {
  if (!thread_.attached() || launched_) return std::unexpected(lost(thread_.tid()));
  user_regs_struct registers = owning();
  registers.rip = (program_ + entry).value;
  registers.r15 = r15.value;
  return thread_.setRegisters(registers);
}

Result<void> RemoteThread::proceed() {
  launched_ = true;
  return thread_.resume(Resume::Freely);
}

Result<std::optional<user_regs_struct>> RemoteThread::lastRegisters() {
  pid_t tid = thread_.tid();
  auto stop = thread_.look();
  if (!stop) return std::unexpected(stop.error());
  if (!*stop) return std::nullopt;
  if ((*stop)->kind == ThreadStop::Kind::Ended) return std::unexpected(lost(tid));
  if ((*stop)->kind == ThreadStop::Kind::Exit) {
    auto registers = thread_.registers();
    if (!registers) return std::unexpected(registers.error());
    // Killed, it is wherever it was.
    if (static_cast<long>(registers->orig_rax) != SYS_exit) return std::unexpected(lost(tid));
    return *registers;
  }
  if (auto done = thread_.resume(Resume::Freely, (*stop)->signalToGiveBack()); !done)
    return std::unexpected(done.error());
  return std::nullopt;
}

Result<int> RemoteThread::end(Deadline deadline) {
  pid_t tid = thread_.tid();
  if (!launched_) {
    if (auto done = aim(x86_64::agentProgram().leave, {}); !done) return std::unexpected(done.error());
    if (auto done = proceed(); !done) return std::unexpected(done.error());
  }
  int signal = 0;
  for (;;) {
    auto stop = thread_.await(deadline);
    if (!stop) return std::unexpected(stop.error());
    if (stop->kind == ThreadStop::Kind::Ended) return stop->status;
    if (stop->kind == ThreadStop::Kind::Clone && stop->child != born_) {
      TracedThread child = TracedThread::adopt(stop->child); // as in birth(), in whose stop it may stand
      (void)child.await(deadline);
    }
    signal = stop->signalToGiveBack();
    if (auto done = thread_.resume(Resume::Freely, signal); !done)
      return fail(DiagnosticId::ProcessGone, cat("thread ", tid, " is gone"));
  }
}

} // namespace lpc::runtime
