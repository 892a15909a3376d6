// How a program is held at its entry point, and where it sleeps.
//
//  1. It stops in its execve, and then in front of the instruction at AT_ENTRY. A debug register stops it there: no
//     byte of it changes, and children that a library's constructor may make are not held.
//  2. It opens a descriptor of our process (pidfd_open) and sleeps in poll(2) until we have ended: then it ends, too.
//     The code of the sleep stands in the padding of a segment, the list for poll below its stack.
//  3. Now nobody traces it, and it is patched like any process that sleeps.
//  4. It is stopped again, closes the descriptor, gets its registers back and is let go; the padding is zero again.
//
// Attached, it would end with us by PTRACE_O_EXITKILL; in the park, by the poll. So it runs patched or not at all.
//
// Rejected: to keep it stopped while the patch is applied (the agent and the switch attach by themselves, and a thread
// has one tracer); an int3 at the entry (children would run into it); another AT_ENTRY on its stack (the dynamic linker
// remembers it); SIGSTOP (its parent is told).
#include "runtime/launch.h"

#include <elf.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ir/support/cat.h"
#include "runtime/arch/x86_64_park.h"
#include "runtime/auxiliary.h"
#include "runtime/padding.h"
#include "runtime/proc_text.h"
#include "runtime/relocated.h"

namespace lpc::runtime {
namespace {

constexpr uint64_t kBelowStack = 512; // the list for poll; nobody's at the entry, where there is no red zone

// The kernel's answer is the same for all that may not be traced; a tracer is what can be named.
Error notSeized(pid_t pid, const Error &error) {
  auto status = readText(cat("/proc/", pid, "/status"));
  auto tracer = static_cast<pid_t>(status ? statusNumber(*status, "TracerPid").value_or(0) : 0);
  if (tracer == 0 || tracer == getpid()) return error;
  return {.id = DiagnosticId::AlreadyTraced,
          .message = cat("process ", tracer, " (`", threadName(tracer, tracer),
                         "`) traces lpc, and a process can have one tracer"),
          .help = "start it without, and attach when the program runs"};
}

} // namespace

Result<Launch> Launch::attach(pid_t pid) {
  Launch launch(pid);
  if (auto stopped = launch.stop(); !stopped) return std::unexpected(stopped.error());
  if (auto done = launch.thread_.resume(Resume::Freely, std::exchange(launch.signal_, 0)); !done)
    return std::unexpected(done.error());
  return launch;
}

// Attached and standing; options can be set of a thread that stands only.
Result<void> Launch::stop() {
  auto thread = TracedThread::seize(pid_);
  if (!thread) return std::unexpected(notSeized(pid_, thread.error()));
  thread_ = std::move(*thread);
  if (auto asked = thread_.interrupt(); !asked) return asked;
  auto stop = thread_.await();
  if (!stop) return std::unexpected(stop.error());
  if (stop->over()) return fail(DiagnosticId::ProcessGone, cat("process ", pid_, " has ended"));
  signal_ = stop->signalToGiveBack();
  return thread_.traceStart();
}

Result<bool> Launch::reachEntry() {
  RemoteAddress entry{};
  for (;;) {
    auto stop = thread_.await();
    if (!stop) return std::unexpected(stop.error());
    if (stop->over()) return false;
    signal_ = stop->signalToGiveBack();
    if (stop->kind == ThreadStop::Kind::Exec) {
      auto found = stopAtEntry();
      if (!found) return std::unexpected(found.error());
      entry = *found;
    } else if (signal_ == SIGTRAP && process_) {
      auto registers = thread_.registers();
      auto why = thread_.signalInfo();
      if (registers && registers->rip == entry.value && why && why->si_code == TRAP_HWBKPT) {
        entry_ = *registers, signal_ = 0;
        if (auto set = thread_.stopBefore({}); !set) return std::unexpected(set.error());
        return true;
      }
    }
    if (auto done = thread_.resume(Resume::Freely, std::exchange(signal_, 0)); !done)
      return std::unexpected(done.error());
  }
}

// In its execve, which may not be the last: a library's constructor may execute something, too.
Result<RemoteAddress> Launch::stopAtEntry() {
  process_.reset();
  auto process = Process::open(pid_);
  if (!process) return std::unexpected(process.error());
  process_.emplace(std::move(*process));
  RemoteAddress entry{Auxiliary(*process_)[AT_ENTRY]};
  if (entry.value == 0) return fail(DiagnosticId::CannotStop, cat("process ", pid_, " shows no entry point"));
  if (auto set = thread_.stopBefore(entry); !set)
    return fail(DiagnosticId::CannotStop,
                cat("process ", pid_, " cannot be stopped at its entry point: ", set.error().message));
  return entry;
}

std::vector<RemoteRange> Launch::unfinished() const {
  Auxiliary auxiliary(*process_);
  auto maps = readMaps(*process_);
  if (auxiliary[AT_BASE] != 0 || !maps) return {};
  auto program = ElfMemory::withSegments(*process_, *maps, RemoteAddress{auxiliary[AT_PHDR]}, auxiliary[AT_PHNUM],
                                         auxiliary[AT_PHENT]);
  return program ? relocatedPlaces(*process_, *program) : std::vector<RemoteRange>();
}

Result<void> Launch::write(RemoteAddress to, BytesView bytes) const {
  if (process_->write(to, bytes)) return {};
  return thread_.poke(to, bytes);
}

// A system call of the program, from the park's instruction; signals that come meanwhile are its own.
Result<int64_t> Launch::call(long number, uint64_t first) {
  user_regs_struct registers = entry_;
  registers.rip = (stub_ + x86_64::parkStub().call).value;
  registers.orig_rax = ~uint64_t{0};
  registers.rax = static_cast<uint64_t>(number);
  registers.rdi = first;
  registers.rsi = 0;
  if (auto set = thread_.setRegisters(registers); !set) return std::unexpected(set.error());
  for (int stops = 0; stops < 2;) { // entry and exit
    if (auto done = thread_.resume(Resume::ToSyscall, signal_); !done) return std::unexpected(done.error());
    auto stop = thread_.await();
    if (!stop) return std::unexpected(stop.error());
    if (stop->over()) return fail(DiagnosticId::ProcessGone, cat("process ", pid_, " has ended"));
    signal_ = stop->signalToGiveBack();
    if (stop->kind == ThreadStop::Kind::Syscall) stops++;
  }
  auto after = thread_.registers();
  if (!after) return std::unexpected(after.error());
  return static_cast<int64_t>(after->rax);
}

Result<void> Launch::park() {
  auto maps = readMaps(*process_);
  if (!maps) return std::unexpected(maps.error());
  const x86_64::ParkStub &stub = x86_64::parkStub();
  auto place = placeInPadding(*process_, findPadding(*process_, *maps), stub.code, false);
  if (!place)
    return fail(DiagnosticId::NoAgent, cat("process ", pid_, " has no room for ", stub.code.size(),
                                           " bytes of code behind any of its program segments"));
  if (auto written = write(place->at, stub.code); !written) return written;
  stub_ = place->at;
  auto descriptor = call(SYS_pidfd_open, static_cast<uint64_t>(getpid()));
  if (!descriptor) return std::unexpected(descriptor.error());
  if (*descriptor < 0)
    return failErrno(DiagnosticId::RemoteCallFailed, cat("process ", pid_, ": pidfd_open (Linux 5.3)"),
                     static_cast<int>(-*descriptor));
  descriptor_ = static_cast<int>(*descriptor);
  RemoteAddress list{(entry_.rsp - kBelowStack) & ~uint64_t{15}};
  if (auto written = write(list, x86_64::pollList(descriptor_)); !written) return written;
  if (auto set = thread_.setRegisters(x86_64::parked(entry_, stub_, list)); !set) return set;
  return thread_.detach(std::exchange(signal_, 0));
}

Result<void> Launch::begin() {
  if (auto stopped = stop(); !stopped) return stopped;
  if (auto closed = call(SYS_close, static_cast<uint64_t>(descriptor_)); !closed)
    return std::unexpected(closed.error());
  if (auto erased = write(stub_, Bytes(x86_64::parkStub().code.size())); !erased) return erased;
  user_regs_struct registers = entry_;
  registers.orig_rax = ~uint64_t{0}; // the call that was interrupted is over
  if (auto set = thread_.setRegisters(registers); !set) return set;
  return thread_.detach(std::exchange(signal_, 0));
}

void Launch::end(int status) {
  if (!thread_.attached() && (!process_ || !stop())) return;
  auto registers = thread_.registers();
  if (registers) registers->orig_rax = ~uint64_t{0}; // a system call that was interrupted does not go on
  bool ready = registers && thread_.poke({registers->rip}, x86_64::exitCode(*registers, status)) &&
               thread_.setRegisters(*registers) && thread_.detach();
  if (!ready) kill(pid_, SIGKILL);
}

} // namespace lpc::runtime
