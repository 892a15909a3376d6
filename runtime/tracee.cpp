// One thread under ptrace: attach, stop, look, let go.
//
// Order of events that the code relies on (kernel/ptrace.c, kernel/signal.c, Linux 5.3 to 6.18):
//  1. Any stop of a seized thread clears a pending PTRACE_INTERRUPT. So a thread that stops in front of a signal, or in
//  a
//     group stop, before it sees our interrupt stops once, and that stop is as good as the one asked for.
//  2. PTRACE_DETACH clears an interrupt that is pending still, and puts the thread into its group stop again where one
//  is
//     in effect; a SIGCONT that came meanwhile has ended it, and then the thread runs.
//  3. What PTRACE_DETACH is given as data is delivered as if it had never been held, with its siginfo.
//  4. PTRACE_DETACH needs a stopped thread: an attachment without a stop ends only with one, or with us.
//  5. A thread that is killed leaves its stop by itself; every request then fails with ESRCH. As long as it is traced
//  its
//     remains stay until we have waited for them, and an execve in another thread waits for that as well.
#include "runtime/tracee.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "runtime/reap.h"

namespace lpc::runtime {
namespace {

constexpr long kTickNanoseconds = 2'000'000;

int tickSignal() { return SIGRTMAX - 3; }

std::atomic<void (*)()> duty; // of the ticker that runs
std::atomic<const Ticker *> running;

// One tick is ordered when the one before has been served: ticks that come faster than they can be served would leave
// no time for anything else.
void tick(int) {
  int before = errno;
  if (auto *run = duty.load()) run();
  Ticker::again();
  errno = before;
}

} // namespace

bool Tracee::interrupt() {
  for (;;) {
    // Any error but ESRCH means that it is ours and past being interrupted: its end is to come.
    bool ours = ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr) == 0 || errno != ESRCH;
    state = ours ? TraceeState::Interrupted : TraceeState::Ended;
    if (ours || tid == process) return ours;
    // A thread that executes a program takes over the id of its process, and its own vanishes; the attachment goes with
    // it.
    tid = process;
  }
}

void Tracee::look() { wait(WNOHANG); }
void Tracee::await() { wait(0); }

void Tracee::wait(int extraOption) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(tid), &info, WSTOPPED | WEXITED | WNOWAIT | __WALL | extraOption) != 0) {
    if (errno == EINTR) return;
    // ECHILD: no tracee of ours has this id any more, but perhaps another one by now.
    if (tid == process)
      state = TraceeState::Ended;
    else
      interrupt();
    return;
  }
  if (info.si_pid == 0) return;
  if (info.si_code != CLD_TRAPPED) {
    state = TraceeState::Ended; // or stopped, but as a child of ours that we do not trace (CLD_STOPPED)
    if (info.si_code != CLD_STOPPED) reapUnlessChild(tid);
    return;
  }
  // si_status is signal | event << 8. No event: it stands in front of a signal. PTRACE_EVENT_STOP: our interrupt where
  // the signal is SIGTRAP, and the group stop of that signal where it is another.
  int event = info.si_status >> 8, number = info.si_status & 0x7f;
  signal = event == 0 ? number : 0;
  groupStop = event == PTRACE_EVENT_STOP && number != SIGTRAP;
  state = TraceeState::Stopped;
}

bool Tracee::readRegisters(Registers &into) const {
  auto registers = runtime::readRegisters(tid);
  if (!registers) return false;
  into = *registers;
  // In a group stop it is the SIGSTOP that interrupted the call, and the program would have seen that without us.
  if (groupStop || !into.interruptedCall()) return true;
  into.restartCall();
  return runtime::writeRegisters(tid, into).has_value();
}

bool Tracee::runOn() {
  LPC_CHECK(state == TraceeState::Stopped && !groupStop);
  bool runs = ptrace(PTRACE_CONT, tid, nullptr, signal) == 0;
  state = runs ? TraceeState::Seized : TraceeState::Interrupted;
  signal = 0;
  return runs;
}

bool Tracee::release() {
  bool released = ptrace(PTRACE_DETACH, tid, nullptr, signal) == 0;
  if (released) state = TraceeState::Loose;
  signal = 0, groupStop = false;
  return released;
}

void Tracee::reapIfEnded() const {
  if (tid != process) runtime::reapIfEnded(tid);
}

Ticker::Ticker(void (*onTick)()) {
  duty = onTick;
  // Set once for the life of lpc: a late tick must never meet the default action, which would end us.
  static const bool prepared = [] {
    struct sigaction action{};
    action.sa_handler = tick;
    action.sa_flags = SA_NODEFER; // no SA_RESTART: waitid is to return; and a handler may leave by a jump
    sigaction(tickSignal(), &action, nullptr);
    return true;
  }();
  LPC_CHECK(prepared);
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, tickSignal());
  pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = tickSignal();
  event._sigev_un._tid = gettid();
  LPC_CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0);
}

Ticker::~Ticker() { timer_delete(timer_); }

void Ticker::again() {
  itimerspec once{{0, 0}, {0, kTickNanoseconds}};
  if (const Ticker *ticker = running) timer_settime(ticker->timer_, 0, &once, nullptr);
}

void Ticker::start() const {
  running = this;
  again();
}

void Ticker::stop() const {
  running = nullptr;
  itimerspec never{};
  timer_settime(timer_, 0, &never, nullptr);
}

} // namespace lpc::runtime
