// Registers of x86-64 (arch/x86/entry/calling.h and kernel/signal.c in Linux; System V ABI for the names).
#if defined(__x86_64__)

#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <cerrno>

#include "runtime/registers.h"

namespace lpc::runtime {
namespace {

// ERESTARTNOHAND of the kernel's linux/errno.h, which user space has no header for: at the end of the call the kernel
// turns it into EINTR where a signal handler is to run, and else makes the call again.
constexpr int64_t kRestartNoHandler = 514;

std::unexpected<Error> lost(pid_t tid, int errnum) {
  return failErrno(DiagnosticId::ProcessGone, "the registers of thread " + std::to_string(tid) + " are not to be had",
                   errnum);
}

} // namespace

RemoteAddress Registers::programCounter() const { return {raw.rip}; }
RemoteAddress Registers::stackPointer() const { return {raw.rsp}; }
RemoteAddress Registers::threadPointer() const { return {raw.fs_base}; }
std::vector<uint64_t> Registers::words() const {
  return {raw.rax, raw.rbx, raw.rcx, raw.rdx, raw.rsi, raw.rdi, raw.rbp, raw.r8,
          raw.r9,  raw.r10, raw.r11, raw.r12, raw.r13, raw.r14, raw.r15};
}
void Registers::setProgramCounter(RemoteAddress a) { raw.rip = a.value; }
Registers Registers::at(RemoteAddress programCounter, RemoteAddress stackPointer, RemoteAddress threadPointer) {
  Registers registers{.positionOnly = true};
  registers.raw.rip = programCounter.value;
  registers.raw.rsp = stackPointer.value;
  registers.raw.fs_base = threadPointer.value;
  return registers;
}

bool Registers::interruptedCall() const {
  // The kernel keeps the number of the call in orig_rax, and -1 there outside of one: a thread that merely has -4 in
  // rax is not taken for one that waits.
  if (static_cast<int64_t>(raw.orig_rax) < 0 || static_cast<int64_t>(raw.rax) != -EINTR) return false;
  // close frees the descriptor before anything in it can be interrupted: made again, it would close another thread's
  // file.
  return raw.orig_rax != SYS_close;
}

void Registers::restartCall() { raw.rax = static_cast<uint64_t>(-kRestartNoHandler); }

Result<Registers> readRegisters(pid_t tid) {
  Registers registers;
  if (ptrace(PTRACE_GETREGS, tid, nullptr, &registers.raw) != 0) return lost(tid, errno);
  return registers;
}

Result<void> writeRegisters(pid_t tid, const Registers &registers) {
  if (ptrace(PTRACE_SETREGS, tid, nullptr, &registers.raw) != 0) return lost(tid, errno);
  return {};
}

} // namespace lpc::runtime

#endif
