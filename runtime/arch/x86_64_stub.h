// The machine code that lpc runs inside a process of x86-64: the agent's program, the stub that borrows a thread, and
// the loop of a worker, which is a thread of the process and calls its functions.
//
// All are built so that the death of lpc between any two instructions harms nobody: behind every system call stands
// code that gives back what is held and ends the thread, or leads the borrowed thread home. None of it touches the
// floating-point state or a segment register; only the worker has a stack, and calls.
#pragma once

#include <sys/user.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ir/support/address.h"
#include "ir/support/bytes.h"

namespace lpc::runtime::x86_64 {

// The agent's program: constant, position-independent, not written to while it runs. Its registers:
//   r12, r13  address and size of memory that the thread gives back before it ends (r13 == 0: none)
//   rbx       status it ends with
//   r15       player: the current row of its table
//   r14       player: result of the call that failed (rbx is 1 then)
// The offsets (from the start of `code`) of its entries. Each of the first three is a `syscall` instruction for one
// call with registers as the kernel wants them; what happens when lpc dies before it has seen the result stands beside
// it.
struct AgentProgram {
  Bytes code;
  uint32_t call = 0;    // leaves: the result is lost
  uint32_t map = 0;     // the result is memory of size r13: r12, which leaving gives back
  uint32_t clone = 0;   // the old thread leaves, the new one, which owns nothing, just ends
  uint32_t leave = 0;   // unmaps, ends
  uint32_t standBy = 0; // plays where the word at [r12 + 8] holds the value of [r12 + 16], else leaves
  uint32_t play = 0;    // plays the table at r15, reports, leaves
  uint32_t memPath = 0; // "/proc/thread-self/mem"
  uint32_t probe = 0;   // a zero byte that may be written over with zero: does writing to code work here?
};
const AgentProgram &agentProgram();

// The program of a worker (worker.h), as constant as the agent's, and of the thread that makes it. `create` calls the
// function in rax, on a stack of its own, and leaves with its result as status; r12 and r13 are as above. `createFor`
// does so for another thread, whose thread pointer it has: it gives back what it changes in that one's memory. It needs
// a StandInFrame at rsp, __errno_location in r14, in r15 the address of `cpu_id` in that thread's struct rseq. A worker
// begins at `worker`, as a function with its WorkerJob for argument. It stands at the `syscall` of `ready` between two
// calls; what it finds in its job behind that is called, or ends it: it returns to who called it. `end` is the way
// there from anywhere, with the stack pointer that the job remembers. At `hold` (kHoldSize bytes) it sleeps.
struct WorkerProgram {
  Bytes code;
  uint32_t create = 0, createFor = 0, leave = 0, worker = 0, ready = 0, end = 0, hold = 0;
};
inline constexpr uint64_t kHoldSize = 9;
const WorkerProgram &workerProgram();

// At a multiple of 16 bytes: the arguments of pthread_create, and the function.
struct StandInFrame {
  uint64_t handle = 0, attributes = 0, program = 0, memory = 0, create = 0, unused = 0;
};
static_assert(sizeof(StandInFrame) == 48);

// What a worker is told, and what it answers: in its memory.
struct WorkerJob {
  uint64_t function = 0; // 0: end. The worker takes it away before it calls it.
  std::array<uint64_t, 6> arguments{};
  uint64_t result = 0;
  uint64_t stack = 0, thread = 0; // the worker's stack pointer and id, once it has begun
  uint64_t keep = 0;              // 1: its memory must stay, for it has not ended as threads do; 2: kUnborn
  uint64_t launched = 0;          // 1: a thread for it may come to be
  uint64_t store = 0;             // where the result goes, too, as soon as it is there; 0: nowhere
  uint64_t maker = 0;             // id of the thread that makes it, on a stack in this memory; 0: not or no longer
};
static_assert(sizeof(WorkerJob) == 112);
inline constexpr uint64_t kUnborn = 2; // it was waited for in vain, and may come yet

// The player's table: rows of system calls, performed in order; a row with a negative number ends it.
// A call that does not return `expected` ends it too; but pwrite64
// is repeated with what is left after a partial transfer.
struct PlayRow {
  int64_t number = -1;
  std::array<uint64_t, 6> arguments{};
  int64_t expected = 0;
};
static_assert(sizeof(PlayRow) == 64);

// When it has played all rows, the player stores kPlayed at the address in r12, before it gives that memory back. Its
// last registers tell the rest.
inline constexpr uint64_t kPlayed = 1;
struct PlayReport {
  bool failed = false;
  int64_t result = 0;  // of the call that failed
  RemoteAddress row{}; // of that call
};
PlayReport playReport(const user_regs_struct &last);

// The stub for one borrowed thread: block all signals, clone, put the signal mask and all registers back, jump home.
// The thread that comes out of the clone ends at once. Flags survive because nothing in the stub changes them and
// system calls keep them; that is why it says `mov reg, 0` and `jrcxz`.
struct BorrowStub {
  Bytes code;
  uint32_t entry = 0;       // blocks signals first
  uint32_t clone = 0;       // for a thread whose signals are blocked already
  uint32_t behindClone = 0; // where both threads come out
};
// `home`: the registers with which the thread is to go on, a restart of its system call applied already (homeInCode).
// `held`: it goes on when the new thread has ended, which the kernel sees to (CLONE_VFORK).
BorrowStub borrowStub(const user_regs_struct &home, uint64_t signalMask, bool held = false);

// The flags of clone(2) for a thread of ours: everything shared, nothing announced to the parent.
uint64_t cloneFlags();

// Code of ours as it is found in a process: every piece of that kind has the bits of `code` where `fixed` has ones.
struct OwnCode {
  std::string_view kind;
  bool brief = false; // a thread is in it for some instructions, and not while it executes something else
  Bytes code, fixed;
  [[nodiscard]] bool matches(BytesView bytes) const; // of the same size
};
// All that lpc puts behind the program's code, and that may stay there when it is killed.
const std::vector<OwnCode> &ownCode();

// The stop of a thread inside a system call leaves a code for the kernel in rax (ERESTART…, include/linux/errno.h),
// which the kernel acts on when the thread goes on *from that stop*. Code that leads it home must do that work itself:
// back to the `syscall` instruction (2 bytes, as is `int 0x80`), with the number in rax, or with that of
// restart_syscall.
user_regs_struct homeInCode(user_regs_struct stopped);
// The same registers for going on from a stop. A call that fails with EINTR after a mere stop (epoll_wait and ten
// others) is restarted unless a signal handler runs: executor notes, "the cure".
user_regs_struct homeFromStop(user_regs_struct stopped);

// Registers of a thread of ours that is to perform `number` at the `syscall` instruction at `at`.
void prepareCall(user_regs_struct &registers, RemoteAddress at, long number, std::span<const uint64_t, 6> arguments);

} // namespace lpc::runtime::x86_64
