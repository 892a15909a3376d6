// Borrowing a thread, step by step. After each step stands what happens when lpc is killed there.
//
//   1. SEIZE the victim.                                     nothing has changed
//   2. INTERRUPT; it stops on its way out of its call, or wherever it runs.      it goes on, the kernel restarts the
//   call
//   3. Read registers and signal mask, write the stub (padding, nobody is in it).                               the
//   same
//   4. Registers to the stub's entry.                        the stub runs: masks, clones, unmasks, home; the new
//   thread,
//                                                            untraced, exits
//   5. Block all its signals, registers on to the clone.     the stub runs, from there
//   6. Run to the clone's entry, and through it.             the same; a clone that failed leads home too
//   7. INTERRUPT and run: it stops on its way out of the clone.                                  the same
//   8. Signal mask, then registers as they were in step 2. The kernel's restart logic works on what it finds there, so
//      a signal that came meanwhile is delivered as if it had come during the sleep: the call returns EINTR, and no
//      wake-up is lost.                                      between the two: the stub's rest runs with its signals
//      open
//   9. DETACH.
//
// The stub alone cannot do step 8: a signal that arrives between its unmasking and the restarted call runs its handler
// first, and the call then waits for the next one. That is the price of being killed between 4 and 8, and the same
// window that any program has in front of such a call.
//
// A signal that the victim stands before in step 2 is given back with the detachment, and another moment is chosen.
// After step 5 only SIGSTOP can come; it is passed on, and the victim is back in its group stop when it is detached.
//
// Borrowing a running thread: the stub uses no stack (so neither the red zone nor a split stack nor a signal stack
// matters), no floating point, no libc, and restores all registers and flags, so any instruction will do, inside malloc
// too; only a restartable sequence would not notice that it was left, so there another moment is chosen.
//
// Seccomp filters sleep for the victim and our threads as long as we live. If we are killed they wake: a filter that
// ends the process for clone does so when that happens between 4 and 6, one that does so for pwrite64 in the
// microseconds of a play, and one that does so for munmap or exit at any time while the agent lives. Threads without a
// filter are chosen first.
//
// A stand-in: step 4 clones with CLONE_VFORK, and between 6 and 7 the victim stands, inside its clone, until the new
// thread has ended; if lpc is killed, it sleeps there that long in the kernel. What it was asked for is asked when it
// stands in step 2. If the new thread does not end in time, both are let go where they are.
//
// Rejected: the borrowed thread calls functions itself (its stack may be small or none of its own, its vector registers
// would have to be saved by code of ours, and the way home from there would be a new one); rt_sigreturn as the way home
// (breaks nanosleep and the FPU state), single steps and int3 (kill the target when the tracer dies), waiting for a
// failed clone by a deadline (it would cost the victim milliseconds, and errno).
#include "runtime/borrow.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <tuple>

#include "ir/support/cat.h"
#include "runtime/arch/x86_64_stub.h"
#include "runtime/proc_text.h"
#include "runtime/sleeper.h"
#include "runtime/stragglers.h"
#include "runtime/thread_wait.h"

namespace lpc::runtime {
namespace {

constexpr auto kStopTime = std::chrono::milliseconds(100);   // for one thread to stop
constexpr auto kLastTime = std::chrono::seconds(5);          // for it to stop after all, so that it can be let go
constexpr uint64_t kKernelWorker = 0x10 | 0x4000 | 0x200000; // PF_IO_WORKER, PF_USER_WORKER, PF_KTHREAD
constexpr size_t kMostReasons = 16;
constexpr uint64_t kTrapFlag = 0x100, kCode64 = 0x33;

template <size_t N> bool isOneOf(const std::array<long, N> &calls, long call) {
  return std::ranges::find(calls, call) != calls.end();
}

constexpr std::array<long, 23> kRestarted = {SYS_futex,          449 /* futex_waitv */,
                                             SYS_nanosleep,      SYS_clock_nanosleep,
                                             SYS_poll,           SYS_ppoll,
                                             SYS_select,         SYS_pselect6,
                                             SYS_pause,          SYS_rt_sigsuspend,
                                             SYS_wait4,          SYS_waitid,
                                             SYS_read,           SYS_readv,
                                             SYS_accept,         SYS_accept4,
                                             SYS_recvfrom,       SYS_recvmsg,
                                             SYS_flock,          SYS_fcntl,
                                             SYS_connect,        SYS_msgrcv,
                                             SYS_restart_syscall};
constexpr std::array<long, 10> kBegunAnew = {
    SYS_epoll_wait, SYS_epoll_pwait,  441 /* epoll_pwait2 */,  SYS_rt_sigtimedwait,      SYS_semop,
    SYS_semtimedop, SYS_io_getevents, 333 /* io_pgetevents */, 426 /* io_uring_enter */, SYS_recvmmsg};

struct Candidate {
  pid_t tid = 0;
  VictimRank rank = VictimRank::Unfit;
  bool oddScheduling = false, filtered = false;
  [[nodiscard]] bool best() const { return rank == VictimRank::Asleep && !oddScheduling && !filtered; }
  // An unfiltered thread of ordinary scheduling before all others.
  [[nodiscard]] auto order() const { return std::tuple(filtered, oddScheduling, rank); }
};

std::string taskFile(const Process &process, pid_t tid, const char *file) {
  return process.proc(cat("task/", tid, "/", file));
}

Candidate examine(const Process &process, pid_t tid) {
  Candidate candidate{.tid = tid};
  auto stat = threadStat(process.pid(), tid);
  if (!stat || (stat->flags & kKernelWorker)) return candidate;
  candidate.rank = rankOf(stat->state, readText(taskFile(process, tid, "syscall")).value_or(""));
  int policy = sched_getscheduler(tid) & ~SCHED_RESET_ON_FORK;
  candidate.oddScheduling = policy != SCHED_OTHER && policy != SCHED_BATCH;
  candidate.filtered =
      statusNumber(readText(taskFile(process, tid, "status")).value_or(""), "Seccomp").value_or(0) != 0;
  return candidate;
}

// The threads in the order in which to try them. With thousands of threads the first ideal one ends the search, unless
// it may not do.
Result<std::vector<Candidate>> candidates(const Process &process, bool all = false) {
  auto tids = threadIds(process.pid());
  if (!tids) return std::unexpected(tids.error());
  std::vector<Candidate> found;
  for (pid_t tid : *tids) {
    found.push_back(examine(process, tid));
    if (!all && found.back().best()) break;
  }
  std::ranges::stable_sort(found, {}, &Candidate::order);
  return found;
}

// One attempt at one victim.
class Borrower {
public:
  Borrower(const Process &process, const std::vector<RemoteRange> &padding, RemoteRange taken,
           const std::optional<CodeToWrite> &code, RemoteAddress leave, Deadline deadline,
           const StandIn *standIn = nullptr)
      : process_(process), padding_(padding), taken_(taken), code_(code), leave_(leave), deadline_(deadline),
        standIn_(standIn) {}

  struct Attempt {
    TracedThread thread;  // empty: try another thread, or another moment
    std::string why;      // …because
    bool stoodIn = false; // nothing is left to do
  };
  Result<Attempt> borrow(const Candidate &candidate);

private:
  static Attempt notNow(std::string why) { return {TracedThread(), std::move(why), false}; }
  Result<std::optional<std::string>> bringToRest(TracedThread &victim, bool filtered);
  Result<void> write(const TracedThread &standing, RemoteAddress to, BytesView bytes) const;
  Result<ThreadStop> advance(TracedThread &victim, ThreadStop::Kind toKind);
  Result<pid_t> cloneIn(TracedThread &victim, const x86_64::BorrowStub &stub, RemoteAddress stubAt);
  Result<void> settle(TracedThread &born) const;
  Result<void> standIn(TracedThread &victim, TracedThread born);
  Result<void> bringHome(TracedThread &victim);
  void letGo(TracedThread &victim);
  [[nodiscard]] Deadline soon() const { return std::min(deadline_, Clock::now() + kStopTime); }

  const Process &process_;
  const std::vector<RemoteRange> &padding_;
  RemoteRange taken_;
  const std::optional<CodeToWrite> &code_;
  RemoteAddress leave_;
  Deadline deadline_;
  const StandIn *standIn_;
  user_regs_struct stopped_{};
  uint64_t mask_ = 0;
};

// Steps 2 and 3 as far as nothing has been changed: the reason where this is not the moment.
Result<std::optional<std::string>> Borrower::bringToRest(TracedThread &victim, bool filtered) {
  if (auto done = victim.interrupt(); !done) return "it has ended";
  auto stop = victim.await(soon());
  if (!stop) return stop.error().message;
  if (stop->over()) return "it has ended";
  if (stop->kind != ThreadStop::Kind::Trap) {
    (void)victim.detach(stop->signalToGiveBack());
    return "a signal came";
  }
  auto registers = victim.registers();
  auto mask = victim.signalMask();
  if (!registers || !mask) return "it has ended";
  stopped_ = *registers, mask_ = *mask;
  if (stopped_.cs != kCode64) return "it runs 32-bit code";
  if (stopped_.eflags & kTrapFlag) return "it steps through its own code";
  if (victim.insideRestartableSequence(process_, {stopped_.rip})) return "it is inside a restartable sequence";
  if (standIn_)
    if (auto why = standIn_->unfit({victim.tid(), false, {stopped_, false}})) return why;
  if (auto traced = victim.traceBirths(filtered); !traced) {
    if (filtered) // also kernels without CONFIG_CHECKPOINT_RESTORE
      return fail(DiagnosticId::NotPermitted,
                  cat("thread ", victim.tid(),
                      " has a seccomp filter, which might end the process for a system call of ours, and "
                      "lpc may not suspend it"),
                  "run lpc with CAP_SYS_ADMIN");
    return std::unexpected(traced.error());
  }
  return std::nullopt;
}

Result<void> Borrower::write(const TracedThread &standing, RemoteAddress to, BytesView bytes) const {
  if (process_.write(to, bytes)) return {};
  return standing.poke(to, bytes); // the kernel lets nobody but the tracer write to code
}

// Lets the victim run until it stands at a stop of kind `toKind`; births and system calls end it in any case. Group
// stops do not hold it: it enters them when it is detached.
Result<ThreadStop> Borrower::advance(TracedThread &victim, ThreadStop::Kind toKind) {
  int signal = 0;
  for (;;) {
    Resume how = toKind == ThreadStop::Kind::Trap ? Resume::Freely : Resume::ToSyscall;
    if (auto done = victim.resume(how, signal); !done) return std::unexpected(done.error());
    auto stop = victim.await(deadline_);
    if (!stop) return stop;
    if (stop->over())
      return fail(DiagnosticId::ProcessGone, cat("process ", process_.pid(), " ended while a thread was borrowed"));
    if (stop->kind == toKind || stop->kind == ThreadStop::Kind::Clone) return stop;
    signal = stop->signalToGiveBack();
  }
}

// Steps 4 to 6: the id of the new thread. -errno where the kernel makes none.
Result<pid_t> Borrower::cloneIn(TracedThread &victim, const x86_64::BorrowStub &stub, RemoteAddress stubAt) {
  user_regs_struct inStub = stopped_;
  inStub.orig_rax = ~uint64_t{0};
  inStub.rip = (stubAt + stub.entry).value;
  if (auto done = victim.setRegisters(inStub); !done) return std::unexpected(done.error());
  if (auto done = victim.setSignalMask(~uint64_t{0}); !done) return std::unexpected(done.error());
  inStub.rip = (stubAt + stub.clone).value;
  if (auto done = victim.setRegisters(inStub); !done) return std::unexpected(done.error());
  for (int stops = 0; stops < 2; stops++) { // entry, then birth; or the exit of a clone that failed
    auto stop = advance(victim, ThreadStop::Kind::Syscall);
    if (!stop) return std::unexpected(stop.error());
    if (stop->kind == ThreadStop::Kind::Clone) return stop->child;
  }
  auto registers = victim.registers();
  if (!registers) return std::unexpected(registers.error());
  return static_cast<pid_t>(registers->rax);
}

// Steps 7 and 8.
Result<void> Borrower::bringHome(TracedThread &victim) {
  if (auto done = victim.interrupt(); !done) return done;
  if (auto stop = advance(victim, ThreadStop::Kind::Trap); !stop) return std::unexpected(stop.error());
  if (auto done = victim.setSignalMask(mask_); !done) return done;
  return victim.setRegisters(x86_64::homeFromStop(stopped_));
}

// The new thread, which stands in the stub, is out of it.
Result<void> Borrower::settle(TracedThread &born) const {
  auto stop = born.await(deadline_);
  if (!stop) return std::unexpected(stop.error());
  if (stop->over())
    return fail(DiagnosticId::ProcessGone, cat("process ", process_.pid(), " ended while a thread was borrowed"));
  auto registers = born.registers();
  if (!registers) return std::unexpected(registers.error());
  registers->rip = leave_.value;
  registers->orig_rax = ~uint64_t{0};
  registers->rbx = registers->r12 = registers->r13 = 0;
  return born.setRegisters(*registers);
}

// An error: the victim has been let go where it is. It comes home by the stub.
Result<void> Borrower::standIn(TracedThread &victim, TracedThread born) {
  auto done = settle(born);
  if (done) done = standIn_->work(std::move(born), victim);
  if (!done) (void)victim.detach();
  return done;
}

// From step 2 or 3. One that was interrupted and has not stopped in time (on a loaded machine it may be long before it
// is on a processor) is waited for: it would stop later, and nobody would send it on.
void Borrower::letGo(TracedThread &victim) {
  if (!victim.attached()) return;
  auto stop = victim.await(Clock::now() + kLastTime);
  if (!stop || stop->over()) return;
  if (auto registers = victim.registers()) (void)victim.setRegisters(x86_64::homeFromStop(*registers));
  (void)victim.detach(stop->signalToGiveBack());
}

Result<Borrower::Attempt> Borrower::borrow(const Candidate &candidate) {
  size_t stubSize = x86_64::borrowStub({}, 0).code.size();
  auto place = placeInPadding(process_, padding_, Bytes(stubSize), false, taken_);
  if (!place)
    return fail(DiagnosticId::NoAgent, cat("process ", process_.pid(), " has no room for ", stubSize,
                                           " bytes of code behind any of its program segments"));
  auto seized = TracedThread::seize(candidate.tid);
  if (!seized) {
    auto status = readText(taskFile(process_, candidate.tid, "status"));
    if (status && statusNumber(*status, "TracerPid") == static_cast<uint64_t>(getpid()))
      return notNow("it has not come to rest after an earlier stop");
    if (seized.error().id == DiagnosticId::NotPermitted && threadState(process_.pid(), candidate.tid) != 'Z')
      return std::unexpected(seized.error());
    return notNow("it has ended");
  }
  TracedThread victim = std::move(*seized);
  auto refused = bringToRest(victim, candidate.filtered);
  if (!refused || *refused) letGo(victim);
  if (!refused) return std::unexpected(refused.error());
  if (const auto &why = *refused; why) return notNow(*why);

  auto stub = x86_64::borrowStub(x86_64::homeInCode(stopped_), mask_, standIn_ != nullptr);
  auto written = code_ ? write(victim, code_->at, code_->bytes) : Result<void>();
  if (written) written = write(victim, place->at, stub.code);
  if (!written) {
    letGo(victim);
    return std::unexpected(written.error());
  }

  auto born = cloneIn(victim, stub, place->at);
  if (!born) return std::unexpected(born.error());
  Attempt attempt;
  if (*born > 0) attempt.thread = TracedThread::adopt(*born);
  if (standIn_ && *born > 0) {
    if (auto done = standIn(victim, std::move(attempt.thread)); !done) return std::unexpected(done.error());
    attempt.stoodIn = true;
  }
  if (auto home = bringHome(victim); !home) return std::unexpected(home.error());
  Bytes nothing(stub.code.size());
  // Nobody is in the stub any more, and nothing points into it.
  if (attempt.stoodIn) (void)write(victim, place->at, nothing);
  if (auto gone = victim.detach(); !gone) return std::unexpected(gone.error());
  if (attempt.stoodIn) return attempt;
  if (!attempt.thread.attached()) {
    (void)process_.write(place->at, nothing);
    return failErrno(DiagnosticId::NoAgent, cat("process ", process_.pid(), " may have no further thread: clone"),
                     -*born);
  }
  if (auto settled = settle(attempt.thread); !settled) return std::unexpected(settled.error());
  if (auto erased = write(attempt.thread, place->at, nothing); !erased) return std::unexpected(erased.error());
  return attempt;
}

// Before it is stopped for it.
std::optional<std::string> unfitAsItSleeps(const Process &process, const Candidate &candidate, const StandIn &standIn) {
  if (candidate.rank != VictimRank::Asleep && candidate.rank != VictimRank::AsleepTimed)
    return "it does not sleep in a call that can be interrupted";
  auto sleeper = sleeperAt(process, candidate.tid);
  if (!sleeper || !sleeper->has_value()) return std::nullopt;
  return standIn.unfit(sleeper->value().thread);
}

} // namespace

VictimRank rankOf(char state, std::string_view syscallText) {
  if (state == 'R') return VictimRank::Running;
  if (state == 'T') return VictimRank::Stopped;
  if (state != 'S') return VictimRank::Unfit;
  long call = -1;
  if (syscallText.starts_with("running")) return VictimRank::Running;
  std::from_chars(syscallText.data(), syscallText.data() + syscallText.size(), call);
  if (isOneOf(kRestarted, call)) return VictimRank::Asleep;
  if (isOneOf(kBegunAnew, call)) return VictimRank::AsleepTimed;
  return VictimRank::AsleepUnknown;
}

Result<TracedThread> borrowForClone(const Process &process, const std::vector<RemoteRange> &padding, RemoteRange taken,
                                    const std::optional<CodeToWrite> &code, RemoteAddress leave, Deadline deadline) {
  Borrower borrower(process, padding, taken, code, leave, deadline);
  Error error{.id = DiagnosticId::NoAgent,
              .message = cat("no thread of process ", process.pid(), " could be borrowed to start lpc's agent in it")};
  do {
    stragglers::attend();
    auto threads = candidates(process);
    if (!threads) return std::unexpected(threads.error());
    error.notes.clear();
    for (const Candidate &candidate : *threads) {
      std::string why = "it waits uninterruptibly, or has ended";
      if (candidate.rank != VictimRank::Unfit) {
        auto attempt = borrower.borrow(candidate);
        if (!attempt) return std::unexpected(attempt.error());
        if (attempt->thread.attached()) return std::move(attempt->thread);
        why = attempt->why;
      }
      if (error.notes.size() < kMostReasons)
        error.notes.push_back({.message = cat("thread ", candidate.tid, ": ", why)});
    }
    timespec rest{0, 200'000};
    nanosleep(&rest, nullptr);
  } while (Clock::now() < deadline);
  for (pid_t tid : threadIds(process.pid()).value_or(std::vector<pid_t>{}))
    if (waitsForVfork(process, tid))
      return fail(DiagnosticId::PendingVfork,
                  cat("thread ", tid, " (`", threadName(process.pid(), tid), "`) of process ", process.pid(),
                      " waits for the child of a vfork, which shares its memory"));
  return std::unexpected(std::move(error));
}

Result<void> borrowForStandIn(const Process &process, const std::vector<RemoteRange> &padding, RemoteRange taken,
                              RemoteAddress leave, const StandIn &standIn, Deadline deadline) {
  Borrower borrower(process, padding, taken, std::nullopt, leave, deadline, &standIn);
  Error error{.id = DiagnosticId::NoThreads};
  do {
    stragglers::attend();
    auto threads = candidates(process, true);
    if (!threads) return std::unexpected(threads.error());
    std::erase_if(*threads, [&](const Candidate &one) { return std::ranges::count(standIn.ours, one.tid) != 0; });
    error.notes.clear();
    for (const Candidate &candidate : *threads) {
      auto why = unfitAsItSleeps(process, candidate, standIn);
      if (!why) {
        auto attempt = borrower.borrow(candidate);
        if (!attempt) return std::unexpected(attempt.error());
        if (attempt->stoodIn) return {};
        why = attempt->why;
      }
      if (error.notes.size() < kMostReasons)
        error.notes.push_back(
            {.message = cat("thread ", candidate.tid, " (`", threadName(process.pid(), candidate.tid), "`): ", *why)});
    }
    timespec rest{0, 1'000'000};
    nanosleep(&rest, nullptr);
  } while (Clock::now() < deadline);
  return std::unexpected(std::move(error));
}

} // namespace lpc::runtime
