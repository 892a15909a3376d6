// ptrace(2) requests on one thread, and the wait for it.
//
// The waits here are for events that are on their way already: they come within 1 to 20 µs where the thread has a
// processor. So a wait looks again and again for that long, and then with short sleeps, in which the thread gets the
// processor that we are on.
#include "runtime/traced_thread.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <ctime>

#include "ir/support/cat.h"
#include "runtime/reap.h"
#include "runtime/seize.h"

namespace lpc::runtime {
namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80; // PTRACE_O_TRACESYSGOOD

// glibc declares requests as an enumeration of its own that lacks the newer ones.
template <class Data> long request(int what, pid_t tid, uint64_t address, Data data) {
  return ptrace(static_cast<__ptrace_request>(what), tid, address, data);
}

std::unexpected<Error> failed(pid_t tid, const char *what, int errnum) {
  if (errnum == ESRCH)
    return fail(DiagnosticId::ProcessGone, cat("thread ", tid, " has ended, or no longer stands where lpc stopped it"));
  if (errnum == EPERM || errnum == EACCES)
    return failErrno(DiagnosticId::NotPermitted, cat("thread ", tid, ": ", what), errnum);
  return failErrno(DiagnosticId::CannotStop, cat("thread ", tid, ": ", what), errnum);
}

Result<void> check(long result, pid_t tid, const char *what) {
  if (result < 0) return failed(tid, what, errno);
  return {};
}

} // namespace

Result<TracedThread> TracedThread::seize(pid_t tid) {
  constexpr auto kPatience = std::chrono::milliseconds(500);
  Ticker ticker(tickWhileSeizing);
  ticker.start();
  bool seized = seizeThread(tid, Clock::now() + kPatience);
  int why = errno;
  ticker.stop();
  if (!seized && why == ETIMEDOUT)
    return fail(DiagnosticId::CannotStop, cat("thread ", tid, " is executing a program, which takes long"));
  if (!seized) return failed(tid, "PTRACE_SEIZE", why);
  return TracedThread(tid);
}

TracedThread::TracedThread(pid_t tid) : tid_(tid) { attendTo(tid); }

TracedThread &TracedThread::operator=(TracedThread &&other) noexcept {
  if (this != &other) {
    letGo();
    tid_ = std::exchange(other.tid_, 0);
  }
  return *this;
}

TracedThread::~TracedThread() { letGo(); }

// Only a standing thread can be detached, and one that stays behind, attached and interrupted, would stop some time
// later with nobody there to let it go on.
void TracedThread::letGo() {
  if (!tid_) return;
  constexpr auto kPatience = std::chrono::seconds(1); // a loaded machine needs it
  if (request(PTRACE_DETACH, tid_, 0, 0L) < 0 && errno == ESRCH && interrupt()) {
    auto stop = await(Clock::now() + kPatience);
    if (stop && tid_) (void)request(PTRACE_DETACH, tid_, 0, static_cast<long>(stop->signalToGiveBack()));
  }
  forget();
}

pid_t TracedThread::forget() {
  attendNoMore(tid_);
  return std::exchange(tid_, 0);
}

Result<void> TracedThread::interrupt() const {
  return check(request(PTRACE_INTERRUPT, tid_, 0, 0L), tid_, "PTRACE_INTERRUPT");
}

Result<void> TracedThread::resume(Resume how, int signal) const {
  int what = how == Resume::Freely ? PTRACE_CONT : PTRACE_SYSCALL;
  return check(request(what, tid_, 0, static_cast<long>(signal)), tid_, "PTRACE_CONT");
}

Result<void> TracedThread::detach(int signal) {
  pid_t tid = forget();
  return check(request(PTRACE_DETACH, tid, 0, static_cast<long>(signal)), tid, "PTRACE_DETACH");
}

Result<std::optional<ThreadStop>> TracedThread::look() {
  siginfo_t info{};
  auto id = static_cast<id_t>(tid_);
  while (waitid(P_PID, id, &info, WSTOPPED | WEXITED | WNOWAIT | WNOHANG | __WALL) != 0) {
    if (errno == EINTR) continue;
    forget(); // ECHILD: it has ended, and we ignore SIGCHLD
    return ThreadStop{.kind = ThreadStop::Kind::Ended};
  }
  if (info.si_pid == 0) return std::nullopt;
  if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) {
    reapUnlessChild(forget());
    return ThreadStop{.kind = ThreadStop::Kind::Ended,
                      .status = info.si_status + (info.si_code == CLD_EXITED ? 0 : 128)};
  }
  ThreadStop stop;
  stop.signal = info.si_status & 0xff; // si_status: signal | event << 8
  int event = info.si_status >> 8;
  if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_VFORK) {
    unsigned long child = 0;
    if (request(PTRACE_GETEVENTMSG, tid_, 0, &child) < 0) return failed(tid_, "PTRACE_GETEVENTMSG", errno);
    stop.kind = ThreadStop::Kind::Clone, stop.child = static_cast<pid_t>(child);
  } else if (event == PTRACE_EVENT_EXEC)
    stop.kind = ThreadStop::Kind::Exec;
  else if (event == PTRACE_EVENT_EXIT)
    stop.kind = ThreadStop::Kind::Exit;
  else if (event != 0)
    stop.kind = ThreadStop::Kind::Trap;
  else
    stop.kind = stop.signal == kSyscallStop ? ThreadStop::Kind::Syscall : ThreadStop::Kind::Signal;
  return stop;
}

Result<ThreadStop> TracedThread::await(Deadline deadline) {
  constexpr auto kEager = std::chrono::microseconds(60);
  pid_t tid = tid_;
  auto began = Clock::now();
  for (long pause = 20'000;; pause = std::min(pause * 2, 1'000'000L)) {
    Clock::time_point now;
    do {
      auto stop = look();
      if (!stop) return std::unexpected(stop.error());
      if (*stop) return **stop;
      now = Clock::now();
    } while (now - began < kEager);
    if (now >= deadline) return fail(DiagnosticId::CannotStop, cat("thread ", tid, " did not stop in time"));
    timespec rest{0, pause};
    nanosleep(&rest, nullptr);
  }
}

Result<ThreadStop> TracedThread::await() {
  for (;;) {
    siginfo_t info{};
    (void)waitid(P_PID, static_cast<id_t>(tid_), &info, WSTOPPED | WEXITED | WNOWAIT | __WALL);
    auto stop = look();
    if (!stop) return std::unexpected(stop.error());
    if (*stop) return **stop;
  }
}

Result<void> TracedThread::traceBirths(bool suspendSeccomp) const {
  long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD;
  if (suspendSeccomp) options |= PTRACE_O_SUSPEND_SECCOMP;
  return check(request(PTRACE_SETOPTIONS, tid_, 0, options), tid_, "PTRACE_SETOPTIONS");
}

Result<void> TracedThread::traceOnly() const {
  return check(request(PTRACE_SETOPTIONS, tid_, 0, long{PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD}), tid_,
               "PTRACE_SETOPTIONS");
}

Result<void> TracedThread::traceStart() const {
  long options = PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
  return check(request(PTRACE_SETOPTIONS, tid_, 0, options), tid_, "PTRACE_SETOPTIONS");
}

// Debug registers (Intel SDM vol. 3, "Debug Registers"): DR0 is the address; of DR7, bit 0 switches it on, and the zero
// bits 16 to 19 say "when it is executed".
Result<void> TracedThread::stopBefore(std::optional<RemoteAddress> address) const {
  auto set = [&](size_t number, uint64_t value) {
    return request(PTRACE_POKEUSER, tid_, offsetof(struct user, u_debugreg) + number * sizeof(long), value);
  };
  if (!address) return check(set(7, 0), tid_, "a debug register");
  if (auto done = check(set(0, address->value), tid_, "a debug register"); !done) return done;
  return check(set(7, 1), tid_, "a debug register");
}

Result<siginfo_t> TracedThread::signalInfo() const {
  siginfo_t info{};
  if (request(PTRACE_GETSIGINFO, tid_, 0, &info) < 0) return failed(tid_, "PTRACE_GETSIGINFO", errno);
  return info;
}

Result<user_regs_struct> TracedThread::registers() const {
  user_regs_struct registers{};
  if (request(PTRACE_GETREGS, tid_, 0, &registers) < 0) return failed(tid_, "PTRACE_GETREGS", errno);
  return registers;
}

Result<void> TracedThread::setRegisters(const user_regs_struct &registers) const {
  return check(request(PTRACE_SETREGS, tid_, 0, &registers), tid_, "PTRACE_SETREGS");
}

Result<uint64_t> TracedThread::signalMask() const {
  uint64_t mask = 0;
  if (request(PTRACE_GETSIGMASK, tid_, sizeof mask, &mask) < 0) return failed(tid_, "PTRACE_GETSIGMASK", errno);
  return mask;
}

Result<void> TracedThread::setSignalMask(uint64_t mask) const {
  return check(request(PTRACE_SETSIGMASK, tid_, sizeof mask, &mask), tid_, "PTRACE_SETSIGMASK");
}

// rseq(2), include/uapi/linux/rseq.h: struct rseq has the pointer to the current section at offset 8; a section is
// {version, flags: 32 bits each; start, length, abort address: 64 bits each}. Kernels before 5.13 cannot tell where the
// structure is; then the thread is taken as outside. A thread that sleeps in a system call is: system calls are
// forbidden within a section (the kernel ends the process for one, where it is built to check). The agent, a clone that
// shares the memory, has no structure at all (rseq_fork in include/linux/rseq.h), so nothing is written into its
// victim's.
bool TracedThread::insideRestartableSequence(const Process &process, RemoteAddress programCounter) const {
  __ptrace_rseq_configuration rseq{};
  if (request(PTRACE_GET_RSEQ_CONFIGURATION, tid_, sizeof rseq, &rseq) <= 0 || rseq.rseq_abi_pointer == 0) return false;
  Bytes pointer(8), section(16);
  if (!process.read({rseq.rseq_abi_pointer + 8}, pointer)) return true;
  RemoteAddress at{loadLittle(pointer)};
  if (at.value == 0) return false;
  if (!process.read(at + 8, section)) return true;
  BytesView view(section);
  return programCounter.value - loadLittle(view.first(8)) < loadLittle(view.subspan(8, 8));
}

RemoteAddress TracedThread::restartableCpu() const {
  constexpr uint64_t kCpu = 4; // behind cpu_id_start
  __ptrace_rseq_configuration rseq{};
  if (request(PTRACE_GET_RSEQ_CONFIGURATION, tid_, sizeof rseq, &rseq) <= 0 || rseq.rseq_abi_pointer == 0) return {};
  return {rseq.rseq_abi_pointer + kCpu};
}

Result<void> TracedThread::poke(RemoteAddress to, BytesView bytes) const {
  for (size_t done = 0; done < bytes.size(); done += 8) {
    uint64_t word = 0;
    size_t part = std::min<size_t>(8, bytes.size() - done);
    if (part < 8) {
      errno = 0;
      word = static_cast<uint64_t>(request(PTRACE_PEEKDATA, tid_, to.value + done, 0L));
      if (errno) return failed(tid_, "PTRACE_PEEKDATA", errno);
    }
    std::memcpy(&word, bytes.data() + done, part);
    if (request(PTRACE_POKEDATA, tid_, to.value + done, word) < 0)
      return failErrno(DiagnosticId::BadAddress, cat("write to ", hexAddress(to + done)), errno);
  }
  return {};
}

} // namespace lpc::runtime
