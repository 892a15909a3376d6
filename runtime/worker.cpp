// How a worker is made, commanded and ended.
//
//   1. The agent maps memory for it: its job, a guard page, its stack (worker_memory.h). A memfd of a name of its own,
//      so that the next lpc can find what a killed one has left.
//   2. It is made, attached from its birth: worker_caller.cpp, or, where another library allocates than the C library,
//      worker_stand_in.cpp.
//   3. The worker runs the loop of x86_64_stub.h, and stands at its system call between two functions.
//
// A function that fails is led out by who called it, where that knows a way. Until that is found, one that has raised a
// signal stands where it would sleep if lpc were killed, and not in front of the signal; where it was is in its memory,
// for the next lpc to find the way (worker_left.cpp). Else the function is left by putting the worker where it would
// return to, with the stack as it was then: it leaves through glibc's own exit. Should that fail too (it needs a lock
// that the function held), the thread just ends, and its memory stays, because the C library still has it in its list
// of threads.
#include "runtime/worker.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <utility>

#include "ir/support/cat.h"
#include "runtime/arch/x86_64_stub.h"
#include "runtime/borrow.h"
#include "runtime/leaves_library.h"
#include "runtime/memory_file.h"
#include "runtime/padding.h"
#include "runtime/proc_text.h"
#include "runtime/remote_thread.h"
#include "runtime/worker_caller.h"
#include "runtime/worker_memory.h"
#include "runtime/worker_stand_in.h"

namespace lpc::runtime {
namespace {

using namespace worker;

constexpr std::chrono::microseconds kEndTime = std::chrono::seconds(2);
// For one that is late to be where it can be left: so long, or until it was looked at in so many places. On a loaded
// machine it hardly gets to run, and what it may hold is worth waiting for.
constexpr auto kWayOutTime = std::chrono::seconds(10), kLongestWayOutTime = std::chrono::seconds(60);
constexpr unsigned kEnoughPlaces = 300;
constexpr unsigned kMostFailures = 8; // of one call: destructors that fail one after the other

// struct pthread_attr of glibc (sysdeps/nptl/internaltypes.h), the same since 2.0.
constexpr uint64_t kAttrFlags = 8, kAttrStackEnd = 24, kAttrStackSize = 32, kAttributesSize = 56;
constexpr uint32_t kDetached = 1, kOwnStack = 8;

constexpr int kOwnSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};

bool isOwnSignal(int signal) { return std::ranges::find(kOwnSignals, signal) != std::end(kOwnSignals); }

// All others stay for the threads of the program. A signal of its own that was blocked would end the process.
uint64_t workerMask() {
  uint64_t mask = ~uint64_t{0};
  for (int signal : kOwnSignals)
    mask &= ~(uint64_t{1} << (signal - 1));
  return mask;
}

std::string signalName(int signal) {
  const char *name = sigabbrev_np(signal);
  return name ? cat("SIG", name) : cat("signal ", signal);
}

Bytes attributes(RemoteAddress memory) {
  Bytes bytes(kAttributesSize);
  put(bytes, kAttrFlags, kDetached | kOwnStack, 4);
  put(bytes, kAttrStackEnd, (memory + kWorkerSize).value);
  put(bytes, kAttrStackSize, kWorkerSize - kMakerStackEnd);
  return bytes;
}

} // namespace

struct Worker::Impl {
  const Process *process;
  Agent *agent;
  RemoteAddress memory;
  TracedThread thread{};
  RemoteAddress program{};
  bool eraseProgram = false; // it was written by us
  bool keep = false;         // somebody may still be in its memory

  Impl(const Process &p, Agent &a, RemoteAddress m) : process(&p), agent(&a), memory(m) {}
  Impl(const Impl &) = delete;
  Impl &operator=(const Impl &) = delete;
  ~Impl() {
    end();
    agent->setWorker(0);
    if (keep) return;
    (void)agent->unmap(memory, kWorkerSize);
    if (eraseProgram) (void)process->write(program, Bytes(x86_64::workerProgram().code.size()));
  }

  enum class Halt : uint8_t { Ready, Signal, Late, Over };
  Result<void> placeProgram(const std::vector<Mapping> &maps);
  Result<void> bear(const std::vector<Mapping> &maps, const ThreadLibrary &library, Deadline deadline);
  Result<void> becomeThread();
  Result<Halt> runOn(Deadline deadline, siginfo_t &signal);
  Error failure(const WorkerCall &call, Halt halt, const siginfo_t &signal, std::chrono::microseconds limit) const;
  bool leadOut(const FindWayOut &find, bool late);
  bool standStill();
  bool park(const user_regs_struct &where);
  Error abandon(Error why);
  void end();
  bool aim(uint32_t entry);
  bool leave(uint32_t entry) { return aim(entry) && thread.resume(Resume::Freely); }
  bool awaitEnd();
};

// --- birth --------------------------------------------------------------------------------------------------------

Result<void> Worker::Impl::placeProgram(const std::vector<Mapping> &maps) {
  const Bytes &code = x86_64::workerProgram().code;
  auto place = placeInPadding(*process, findPadding(*process, maps), code, true, agent->program());
  if (!place)
    return fail(DiagnosticId::NoThreads, cat("process ", process->pid(), " has no room for ", code.size(),
                                             " bytes of code behind any of its program segments"));
  program = place->at;
  if (place->alreadyThere) return {};
  eraseProgram = true;
  if (process->write(program, code)) return {};
  return agent->poke(program, code);
}

Result<void> Worker::Impl::bear(const std::vector<Mapping> &maps, const ThreadLibrary &library, Deadline deadline) {
  std::optional<RemoteThread> caller; // its stub and the program have the same room, one after the other
  if (!library.owners) {
    auto borrowed = agent->borrow(maps, deadline);
    if (!borrowed) return std::unexpected(borrowed.error());
    caller.emplace(std::move(*borrowed));
  }
  if (auto written = placeProgram(maps); !written) return written;
  const Order order{*process, *agent, maps, library, memory, program, &keep};
  if (caller) {
    if (auto made = makeByCaller(order, *caller, thread, deadline); !made) return made;
  } else {
    auto made = makeByStandIn(order, deadline);
    if (!made) return std::unexpected(made.error());
    thread = std::move(*made);
  }
  return becomeThread();
}

// As the program's threads are, and not as the agent.
Result<void> Worker::Impl::becomeThread() {
  cpu_set_t where;
  if (sched_getaffinity(process->pid(), sizeof where, &where) == 0)
    (void)sched_setaffinity(thread.tid(), sizeof where, &where); // costs time at worst
  if (auto done = thread.traceOnly(); !done) return done;
  siginfo_t signal{};
  auto halt = runOn(within(kStepTime), signal);
  if (!halt) return std::unexpected(halt.error());
  if (*halt != Halt::Ready)
    return fail(DiagnosticId::NoThreads, cat("a new thread of process ", process->pid(), " did not begin"));
  if (auto done = thread.setSignalMask(workerMask()); !done) return done; // its creator's was the agent's: all
  agent->setWorker(thread.tid());
  return {};
}

Result<Worker> Worker::start(const Process &process, Agent &agent, const std::vector<Mapping> &maps,
                             const ThreadLibrary &library, Deadline deadline) {
  if (!fitsCaller(library))
    return fail(DiagnosticId::NoThreads,
                cat("the C library of process ", process.pid(), " keeps its threads in a way that lpc does not know"));
  auto before = threadIds(process.pid());
  if (!before) return std::unexpected(before.error());
  for (pid_t own : agent.threads())
    std::erase(*before, own);
  auto file = MemoryFile::create(process, agent, kMemoryName, kWorkerSize);
  if (!file) return std::unexpected(file.error());
  auto memory = file->map({}, 0, kWorkerSize, PROT_READ | PROT_WRITE);
  if (!memory) return std::unexpected(memory.error());
  auto impl = std::make_unique<Impl>(process, agent, *memory);
  if (auto guarded = agent.protect(*memory + kPage, kStackAt - kPage, PROT_NONE); !guarded)
    return std::unexpected(guarded.error());
  if (auto written = process.write(*memory + kAttributesAt, attributes(*memory)); !written)
    return std::unexpected(written.error());
  if (library.owners) {
    if (auto born = impl->bear(maps, library, deadline); !born) return std::unexpected(born.error());
    return Worker(std::move(impl));
  }
  if (library.inProgram && !leavesLibrary(process, *before, maps, true, deadline))
    return fail(DiagnosticId::NoThreads, cat("the only thread of process ", process.pid(),
                                             " does not sleep, and may be inside of the C library"));
  if (auto born = impl->bear(maps, library, deadline); !born) return std::unexpected(born.error());
  (void)leavesLibrary(process, *before, maps, library.inProgram, deadline); // later it is as good as elsewhere
  return Worker(std::move(impl));
}

Worker::Worker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Worker::Worker(Worker &&) noexcept = default;
Worker &Worker::operator=(Worker &&) noexcept = default;
Worker::~Worker() = default;

// --- work ---------------------------------------------------------------------------------------------------------

bool Worker::alive() const { return impl_->thread.attached(); }

// Lets it run until it stands at its own system call, behind whose exit it looks at its job.
Result<Worker::Impl::Halt> Worker::Impl::runOn(Deadline deadline, siginfo_t &signal) {
  const uint64_t ready = (program + x86_64::workerProgram().ready).value + 2;
  bool entered = false;
  int give = 0;
  for (;;) {
    if (auto done = thread.resume(Resume::ToSyscall, give); !done) return std::unexpected(done.error());
    auto stop = thread.await(deadline);
    if (!stop && stop.error().id == DiagnosticId::CannotStop) return Halt::Late;
    if (!stop) return std::unexpected(stop.error());
    if (stop->over()) return Halt::Over;
    give = 0;
    if (stop->kind == ThreadStop::Kind::Syscall) {
      auto registers = thread.registers();
      if (!registers) return std::unexpected(registers.error());
      if (registers->rip != ready) continue;
      if (entered) return Halt::Ready;
      entered = true;
    } else if (stop->kind == ThreadStop::Kind::Signal) {
      auto info = thread.signalInfo();
      if (!info) return std::unexpected(info.error());
      // Its own, and not one that somebody has sent to the program.
      bool own =
          isOwnSignal(stop->signal) && (info->si_code > 0 || info->si_pid == idInside(process->pid(), process->pid()));
      if (own) return signal = *info, Halt::Signal;
      give = stop->signal;
    }
  }
}

Result<uint64_t> Worker::run(const WorkerCall &call, std::chrono::microseconds limit) {
  Impl &impl = *impl_;
  if (!alive()) return fail(DiagnosticId::CallFailed, "the thread that functions are called on has ended");
  std::array<uint64_t, 6> arguments = call.arguments;
  LPC_CHECK(call.text.size() <= kLongestWorkerText);
  if (!call.text.empty()) arguments[0] = (impl.memory + kTextAt).value;
  Bytes text(call.text.begin(), call.text.end());
  text.push_back(0);
  if (auto written = impl.process->write(impl.memory + kTextAt, text); !written)
    return std::unexpected(written.error());
  Bytes job, store;
  appendLittle(store, call.store.value, 8);
  if (auto told = impl.process->write(impl.memory + offsetof(WorkerJob, store), store); !told)
    return std::unexpected(told.error());
  appendLittle(job, call.function.value, 8);
  for (uint64_t argument : arguments)
    appendLittle(job, argument, 8);
  if (auto told = impl.process->write(impl.memory, job); !told) return std::unexpected(told.error());
  std::optional<Error> failed;
  for (unsigned left = kMostFailures;; left--) {
    siginfo_t signal{};
    auto halt = impl.runOn(within(failed ? kEndTime : limit), signal);
    if (!halt) return std::unexpected(halt.error());
    if (*halt == Impl::Halt::Ready) break;
    if (!failed) failed = impl.failure(call, *halt, signal, limit);
    if (*halt == Impl::Halt::Over) {
      impl.end();
      if (impl.process->ended()) failed->id = DiagnosticId::ProcessGone;
      return std::unexpected(std::move(*failed));
    }
    bool out = left > 0 && call.wayOut && impl.leadOut(call.wayOut, *halt == Impl::Halt::Late);
    if (!out) return std::unexpected(impl.abandon(std::move(*failed)));
  }
  if (failed) {
    failed->notes.push_back({.message = "it was left; what it held, such as locks, is held still"});
    return std::unexpected(std::move(*failed));
  }
  auto result = impl.process->read(impl.memory + offsetof(WorkerJob, result), 8);
  if (!result) return std::unexpected(result.error());
  return loadLittle(*result);
}

Error Worker::Impl::failure(const WorkerCall &call, Halt halt, const siginfo_t &signal,
                            std::chrono::microseconds limit) const {
  std::string what = cat("the function at ", hexAddress(call.function), " ");
  if (halt == Halt::Late)
    return {.id = DiagnosticId::CallFailed,
            .message = cat(what, "did not return within ", limit.count() / 1000, " ms"),
            .help = "give it more time: `--timeout`"};
  if (halt == Halt::Over)
    return {.id = DiagnosticId::CallFailed,
            .message =
                process->ended() ? cat("process ", process->pid(), " ended in ", what) : cat(what, "ended its thread")};
  auto registers = thread.registers();
  std::string where = registers ? cat(" at ", hexAddress(RemoteAddress{registers->rip})) : "";
  if (signal.si_signo == SIGSEGV && signal.si_code > 0)
    where += cat(", touching ", hexAddress(RemoteAddress{reinterpret_cast<uint64_t>(signal.si_addr)}));
  return {.id = DiagnosticId::CallFailed, .message = cat(what, "raised ", signalName(signal.si_signo), where)};
}

// --- the way out --------------------------------------------------------------------------------------------------

// True: it stands where it is to go on.
bool Worker::Impl::leadOut(const FindWayOut &find, bool late) {
  // It does not get far in a short time: it has to be let run for longer and longer.
  long moment = 100'000;
  const auto began = Clock::now();
  bool starving = false;
  std::string seen; // when it had last run
  for (unsigned places = 0;; moment = std::min(moment * 5 / 4, 10'000'000L)) {
    auto spent = Clock::now() - began;
    if (spent >= kLongestWayOutTime || (spent >= kWayOutTime && (!starving || places >= kEnoughPlaces))) return false;
    if (late && !standStill()) return false;
    if (auto stop = thread.look(); stop && *stop && (*stop)->kind == ThreadStop::Kind::Signal) late = false;
    auto registers = thread.registers();
    auto stack = process->read(memory + offsetof(WorkerJob, stack), 8);
    if (!registers || !stack || (!late && !park(*registers))) return false;
    WayOut out =
        find({thread.tid(), late, *registers, programAt(program), {loadLittle(*stack)}, textOf(*process, memory)});
    if (out.kind == WayOut::Kind::GoOn) {
      bool aimed = thread.setRegisters(out.registers).has_value();
      (void)process->write(memory + kHeldAt, Bytes(8));
      return aimed;
    }
    if (out.kind == WayOut::Kind::None || !late || !thread.resume(Resume::Freely)) return false;
    timespec rest{0, moment};
    nanosleep(&rest, nullptr);
    auto ran = readText(process->proc(cat("task/", thread.tid(), "/schedstat"))).value_or("");
    places += std::exchange(seen, ran) != ran;
    starving = threadState(process->pid(), thread.tid()) == 'R';
  }
}

bool Worker::Impl::standStill() {
  auto now = thread.look();
  if (!now) return false;
  if (*now) return !(*now)->over();
  if (!thread.interrupt()) return false;
  auto stop = thread.await(within(kStepTime));
  return stop && !stop->over();
}

// The stop in front of the signal is left for one of our own making.
bool Worker::Impl::park(const user_regs_struct &where) {
  Held held{1, program.value, where};
  BytesView bytes(reinterpret_cast<const uint8_t *>(&held), sizeof held);
  bool written =
      process->write(memory + kHeldAt + 8, bytes.subspan(8)) && process->write(memory + kHeldAt, bytes.first(8));
  if (!written || !aim(x86_64::workerProgram().hold) || !thread.interrupt() || !thread.resume(Resume::Freely))
    return false;
  auto stop = thread.await(within(kStepTime));
  return stop && stop->kind == ThreadStop::Kind::Trap;
}

// --- the end ------------------------------------------------------------------------------------------------------

// Ends the worker in the middle of a function.
Error Worker::Impl::abandon(Error why) {
  bool stands = standStill();
  if (!stands && thread.attached()) keep = true, (void)thread.detach();
  if (stands && thread.attached()) {
    keep = true;
    if (leave(x86_64::workerProgram().end) && awaitEnd())
      keep = false;
    else if (thread.attached() && leave(x86_64::workerProgram().leave))
      (void)awaitEnd();
  }
  why.notes.push_back({.message = "its thread was ended; what it held, such as locks, is held still"});
  if (keep) {
    Bytes one;
    appendLittle(one, 1, 8);
    (void)process->write(memory + offsetof(WorkerJob, keep), one);
    why.notes.push_back({.message = "the thread could not end as threads do: its stack stays in the process"});
  }
  return why;
}

// Puts it at `entry` of the program. Its signals are not delivered when it goes on.
bool Worker::Impl::aim(uint32_t entry) {
  auto registers = thread.registers();
  auto stack = process->read(memory + offsetof(WorkerJob, stack), 8);
  if (!registers || !stack) return false;
  registers->orig_rax = ~uint64_t{0};
  registers->rip = (program + entry).value;
  registers->rsp = loadLittle(*stack);
  registers->rbx = registers->r13 = 0;
  registers->eflags &= ~uint64_t{0x500}; // direction, trap
  return thread.setRegisters(*registers).has_value();
}

// False: it stands, attached, and has not ended (or it can't be stopped).
bool Worker::Impl::awaitEnd() {
  Deadline deadline = within(kEndTime);
  for (;;) {
    auto stop = thread.await(deadline);
    if (!stop) {
      (void)(thread.interrupt() && thread.await(within(kStepTime)));
      return false;
    }
    if (stop->kind == ThreadStop::Kind::Ended) return true;
    if (stop->kind == ThreadStop::Kind::Signal && isOwnSignal(stop->signal)) return false;
    if (!thread.resume(Resume::Freely, stop->signalToGiveBack())) return false;
  }
}

// Between two functions: there is no further one.
void Worker::Impl::end() {
  if (!thread.attached()) return;
  keep = true;
  Bytes none(8);
  if (!process->write(memory, none) || !thread.resume(Resume::Freely)) return;
  keep = !awaitEnd();
}

} // namespace lpc::runtime
