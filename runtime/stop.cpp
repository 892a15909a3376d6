// Stopping every thread of a process.
//
// The stages of one stop, and why they stand in this order:
//  1. Look at every thread's state, and make room for all that follows. The process runs, untraced. A thread that
//     waits for a vfork child is found here, before anybody is disturbed.
//  2. Stop the threads in uninterruptible sleep: they may take long, and nobody else should wait for them.
//  3. Stop the blocked threads, and read their registers. They sleep anyway. Look at the others again: many a thread
//     that was runnable at the first look is blocked by now.
//  4. Raise our priority, if it is not yet; stop the running threads. Only this is the pause that the program feels.
//  5. Compare the number of threads with ours (the link count of /proc/PID/task: one fstat, not a listing), and see
//  that
//     it still is the program we opened. Stop those that were born, until none is new.
// From 4 on nothing is allocated, and no file opened unless something is wrong. Each pass seizes its threads right
// before it interrupts them (why: stop.h).
//
// Workers of io_uring are in the task list, and left alone: they execute no code of the program, and a request that one
// of them waits for would end with EINTR, or with a number that only the kernel knows (openat: -512). They come and go
// while everything else stands, so where there are some, a listing that shows no other thread takes the place of the
// count in 5.
//
// Rejected: a list of the children of vfork (races); SIGSTOP (seen by the parent); waiting for any thread (quadratic).
#include <sched.h>
#include <sys/ptrace.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/proc_text.h"
#include "runtime/stop_reasons.h"
#include "runtime/stop_state.h"
#include "runtime/stragglers.h"
#include "runtime/thread_wait.h"

namespace lpc::runtime {
namespace {

using std::chrono::microseconds, std::chrono::milliseconds;

// A thread that others are held for and that has not stopped after so long will not: the others are let go.
constexpr milliseconds kStuck{500};
// Between looks at all threads, for what is unusual: with thousands, a look takes as long as half a tick.
constexpr unsigned kTicksPerLook = 4;
// How long a thread that was interrupted in vain is waited for while nobody else stands, before the next attempt.
constexpr milliseconds kGrace{20};

// A thread that is interrupted takes our processor at once, to stop there, unless our priority is raised: then they all
// stop on the others. But so many of them (10 µs each), for a running thread that has to have our processor waits.
constexpr size_t kMostInRow = 512;

// A running thread on another processor stops within some 10 µs. To sleep meanwhile costs more: ours goes idle, and has
// to be woken. But never for longer: the thread may have to have our processor, as one that was on it has.
constexpr microseconds kEager{50};

bool haveProcessors(int count) {
  cpu_set_t ours;
  CPU_ZERO(&ours);
  return sched_getaffinity(0, sizeof ours, &ours) == 0 && CPU_COUNT(&ours) >= count;
}

} // namespace

double monotonicMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// --- 1. looking -----------------------------------------------------------------------------------------------

void Tracees::Impl::addRow(pid_t tid, Pass pass, int processor) {
  Tracee tracee{.tid = tid, .process = process->pid()};
  if (auto straggler = stragglers::take(tid)) tracee = *straggler;
  threads.push_back({.tid = tid, .running = pass == Pass::Running});
  tracees.push_back(tracee);
  passes.push_back(pass);
  processors.push_back(processor);
}

Result<void> Tracees::Impl::prepare() {
  auto ids = threadIds(process->pid());
  if (!ids) return std::unexpected(ids.error());
  threads.clear(), tracees.clear(), passes.clear(), processors.clear();
  // Room for as many again: threads that are born while we stop.
  size_t most = 2 * ids->size() + 64;
  threads.reserve(most), tracees.reserve(most), passes.reserve(most), processors.reserve(most), stood.reserve(most);
  stragglers::reserve(most);
  lasting = kernelWorkers = 0, leaderEnded = false, theirs = 0;
  for (pid_t tid : *ids) {
    if (std::ranges::find(except, tid) != except.end()) {
      lasting++;
      continue;
    }
    auto stat = threadStat(process->pid(), tid);
    char state = stat ? stat->state : 'X';
    if (state == 'Z' || state == 'X') {
      if (tid == process->pid()) countLeader();
      continue;
    }
    theirs = std::max(theirs, stat->realtime);
    if (stat->isKernelWorker()) {
      countWorker();
      continue;
    }
    if (state == 'D' && waitsForVfork(*process, tid))
      return fail(DiagnosticId::PendingVfork,
                  threadNamed(process->pid(), tid) + " waits for the child of a vfork, which shares its memory");
    addRow(tid, state == 'D' ? Pass::Uninterruptible : state == 'R' ? Pass::Running : Pass::Blocked, stat->processor);
  }
  sorted = tracees.size();
  return {};
}

// --- 2 to 4. stopping -----------------------------------------------------------------------------------------

bool Tracees::Impl::seizeTracee(Tracee &tracee) const {
  bool done = seizeThread(tracee.tid, std::min(limit, Clock::now() + kStuck));
  if (done)
    tracee.state = TraceeState::Seized;
  else if (errno == ETIMEDOUT) {
    if (tracee.interrupt()) return true; // it was ours already
    tracee.state = TraceeState::Loose;
    errno = ETIMEDOUT;
  }
  return done;
}

Result<void> Tracees::Impl::seize(size_t index) {
  Tracee &tracee = tracees[index];
  // EPERM also for a thread that has ended and is listed still, and for one that is just executing a program: then it
  // is another thread of the same id a moment later.
  for (int attempt = 0; tracee.state == TraceeState::Loose && !seizeTracee(tracee); attempt++) {
    if (errno == ETIMEDOUT)
      return fail(DiagnosticId::CannotStop,
                  threadNamed(process->pid(), tracee.tid) + " is executing a program, which takes long");
    char state = errno == EPERM ? threadState(process->pid(), tracee.tid) : 'X';
    if (state == 'Z' || state == 'X') {
      tracee.state = TraceeState::Ended;
    } else if (attempt == 2) {
      if (auto same = process->sameMemory(); !same) return same;
      return std::unexpected(whyNotSeized(*process, tracee.tid));
    }
  }
  return {};
}

// Waits until the thread stands or has ended.
Result<void> Tracees::Impl::await(size_t index) {
  Tracee &tracee = tracees[index];
  bool running = passes[index] == Pass::Running || passes[index] == Pass::DoneRunning;
  bool elsewhere = processors[index] != ownProcessor; // else it has to have ours
  while (tracee.state == TraceeState::Interrupted && running && elsewhere && Clock::now() < eager)
    tracee.look();
  if (tracee.state != TraceeState::Interrupted) return {};
  Deadline patience = passes[index] == Pass::Uninterruptible ? limit : std::min(limit, Clock::now() + kStuck);
  for (unsigned ticks = 1; tracee.state == TraceeState::Interrupted; ticks++) {
    tracee.await();
    if (tracee.state != TraceeState::Interrupted) return {};
    if (ticks % kTicksPerLook != 0) continue;
    // Something is unusual. An execve in one thread waits for us to take away the remains of the others; the end of a
    // first thread is not reported before that of the others.
    lookForEnded();
    if (auto same = process->sameMemory(); !same) return same;
    if (tracee.state == TraceeState::Interrupted) tracee.interrupt(); // is it still ours to wait for?
    if (tracee.tid == process->pid() && threadState(tracee.tid, tracee.tid) == 'Z') tracee.state = TraceeState::Ended;
    if (tracee.state == TraceeState::Interrupted && Clock::now() >= patience)
      return std::unexpected(whyNotStopped(*process, tracee.tid));
  }
  return {};
}

// The registers of a thread that stands; or it turns out to have ended.
Result<void> Tracees::Impl::read(size_t index) {
  Tracee &tracee = tracees[index];
  while (tracee.state == TraceeState::Stopped && !tracee.readRegisters(threads[index].registers)) {
    tracee.state = TraceeState::Interrupted; // killed meanwhile: its end is to come
    if (auto done = await(index); !done) return done;
  }
  return {};
}

// What needs nothing but that they stand: the last of them is still leaving its processor, and its registers are to be
// had only then.
Result<void> Tracees::Impl::countThem() {
  auto number = tasks->count();
  if (!number) return std::unexpected(number.error());
  counted = *number;
  return process->sameMemory();
}

void Tracees::Impl::waitEagerly() {
  eager = parallel ? Clock::now() + kEager : Deadline();
  ownProcessor = sched_getcpu();
}

Result<bool> Tracees::Impl::runOn(size_t index, microseconds time) {
  Tracee &tracee = tracees[index];
  LPC_CHECK(passes[index] == Pass::DoneRunning);
  if (tracee.state != TraceeState::Stopped) return false; // it was killed while another one ran on
  if (tracee.groupStop)
    return fail(DiagnosticId::CannotStop, threadNamed(process->pid(), tracee.tid) + " has been stopped by a signal");
  if (tracee.runOn()) {
    timespec moment{0, static_cast<long>(time.count()) * 1000};
    nanosleep(&moment, nullptr); // not a spin: it may have to have our processor
    tracee.interrupt();
  }
  waitEagerly();
  if (auto done = await(index); !done) return std::unexpected(done.error());
  if (auto done = countThem(); !done) return std::unexpected(done.error()); // it may have made others
  if (auto done = read(index); !done) return std::unexpected(done.error());
  return tracee.state == TraceeState::Stopped;
}

void Tracees::Impl::lookForEnded() {
  for (Tracee &tracee : tracees)
    if (tracee.state == TraceeState::Interrupted || tracee.state == TraceeState::Stopped) tracee.look();
}

Result<void> Tracees::Impl::stopPass(Pass pass, size_t from) {
  for (size_t i = from; i < tracees.size(); i++)
    if (passes[i] == pass)
      if (auto done = seize(i); !done) return done;
  bool first = true;
  for (size_t i = from; i < tracees.size(); i++) {
    if (passes[i] != pass || tracees[i].state != TraceeState::Seized) continue;
    if (std::exchange(first, false)) {
      double now = monotonicMicroseconds();
      if (times.firstInterrupt == 0) times.firstInterrupt = now;
      if (pass == Pass::Running && times.firstRunningInterrupt == 0) times.firstRunningInterrupt = now;
    }
    tracees[i].interrupt();
  }
  waitEagerly();
  for (size_t i = from; i < tracees.size(); i++)
    if (passes[i] == pass)
      if (auto done = await(i); !done) return done;
  if (pass == Pass::Running)
    if (auto done = countThem(); !done) return done;
  stood.clear();
  for (size_t i = from; i < tracees.size(); i++) {
    if (passes[i] != pass) continue;
    if (auto done = read(i); !done) return done;
    if (tracees[i].state == TraceeState::Stopped) stood.push_back(&threads[i]);
    passes[i] = pass == Pass::Running ? Pass::DoneRunning : Pass::Done;
  }
  return *inspect && !stood.empty() ? (*inspect)(stood) : Result<void>{};
}

// Threads that had only something short to do when we looked. After a stop these are all that it has woken up: they ask
// the kernel again for what they were waiting for.
bool Tracees::Impl::findSettled() {
  constexpr std::ptrdiff_t kFew = 2; // not worth the look
  bool any = false;
  if (std::ranges::count(passes, Pass::Running) <= kFew) return false;
  for (size_t i = 0; i < tracees.size(); i++) {
    if (passes[i] != Pass::Running || threadState(process->pid(), tracees[i].tid) == 'R') continue;
    passes[i] = Pass::Settled;
    threads[i].running = false;
    any = true;
  }
  return any;
}

Result<void> Tracees::Impl::stopEverything(microseconds maxPause) {
  if (auto done = stopPass(Pass::Uninterruptible, 0); !done) return done;
  parallel = haveProcessors(2);
  if (passes.size() <= kMostInRow && parallel) realtime.raise(theirs);
  if (auto done = stopPass(Pass::Blocked, 0); !done) return done;
  while (findSettled())
    if (auto done = stopPass(Pass::Settled, 0); !done) return done;
  realtime.raise(theirs);
  if (maxPause < std::chrono::duration_cast<microseconds>(limit - Clock::now())) limit = Clock::now() + maxPause;
  if (auto done = stopPass(Pass::Running, 0); !done) return done;
  if (auto done = stopBorn(); !done) return done;
  times.allStopped = monotonicMicroseconds();
  if (times.firstInterrupt == 0) times.firstInterrupt = times.allStopped;
  if (times.firstRunningInterrupt == 0) times.firstRunningInterrupt = times.firstInterrupt;
  return {};
}

// --- the interface --------------------------------------------------------------------------------------------

Tracees::Tracees(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tracees::Tracees(Tracees &&) noexcept = default;
Tracees &Tracees::operator=(Tracees &&) noexcept = default;
Tracees::~Tracees() = default;

Result<Tracees> Tracees::seize(const Process &process, std::vector<pid_t> except, Deadline deadline) {
  static const bool once = (onBug(&Impl::releaseAll), true);
  LPC_CHECK(once);
  stragglers::attend();
  auto impl = std::make_unique<Impl>(process, std::move(except));
  impl->limit = deadline;
  auto tasks = TaskList::open(process);
  if (!tasks) return std::unexpected(tasks.error());
  impl->tasks.emplace(std::move(*tasks));
  return Tracees(std::move(impl));
}

Result<void> Tracees::stop(Deadline deadline, microseconds maxPause, const Inspection &inspect) {
  LPC_CHECK(!impl_->stopped);
  stragglers::attend();
  impl_->limit = deadline;
  impl_->inspect = &inspect;
  impl_->times = {};
  auto done = impl_->prepare();
  impl_->ticker.start();
  attendTo(&impl_->tracees);
  if (done) done = impl_->stopEverything(maxPause);
  attendTo(nullptr);
  if (!done) {
    impl_->letGo();
    stragglers::attend(Clock::now() + kGrace);
    // What was not reached was not disturbed.
    if (impl_->times.firstInterrupt == 0) impl_->times.firstInterrupt = impl_->times.lastReleased;
    if (impl_->times.firstRunningInterrupt == 0) impl_->times.firstRunningInterrupt = impl_->times.lastRunningReleased;
    return done;
  }
  impl_->dropEnded();
  impl_->stopped = true;
  return {};
}

Result<bool> Tracees::runOn(const StoppedThread &thread, microseconds time) {
  return impl_->runOn(static_cast<size_t>(&thread - impl_->threads.data()), time);
}

bool Tracees::stopped() const { return impl_->stopped; }
const std::vector<StoppedThread> &Tracees::threads() const { return impl_->threads; }
const Tracees::Times &Tracees::times() const { return impl_->times; }
void Tracees::setRealtime(bool on) { impl_->realtime.wanted = on; }

Result<void> Tracees::setRegisters(size_t index, const Registers &registers) {
  LPC_CHECK(impl_->stopped && index < impl_->threads.size());
  if (auto done = writeRegisters(impl_->threads[index].tid, registers); !done) return done;
  impl_->threads[index].registers = registers;
  return {};
}

void Tracees::resume() {
  if (impl_->stopped) impl_->release();
  // Those that were killed end in a moment, and the parent of the process learns of its end when we have seen that of
  // its threads.
  stragglers::attend(impl_->killed ? Clock::now() + kLastGrace : Deadline());
}

void Tracees::detach() {
  resume();
  stragglers::attend(Clock::now() + kLastGrace);
}

} // namespace lpc::runtime
