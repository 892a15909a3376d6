// A live process: finding it, refusing what cannot be patched, and its identity.
//
// Everything is tied to the first look. The pidfd names this process and no later one of the same id. The descriptor of
// /proc/PID/mem, opened once, is tied to the address space of that moment: after an exec it reads as empty (the kernel
// returns 0 where the address space has no users left), so that nothing is ever read from, let alone written into,
// another program. process_vm_readv and process_vm_writev were rejected: they take a process id and follow an exec;
// they gain 15 to 50 % on bulk data and nothing on small.
#include "runtime/process.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <memory>

#include "runtime/proc_text.h"
#include "runtime/refusal.h"
#include "runtime/stop_reasons.h"
#include "runtime/thread_wait.h"

namespace lpc::runtime {
namespace {

#if defined(__x86_64__)
constexpr Machine kOwnMachine = Machine::X86_64;
#elif defined(__aarch64__)
constexpr Machine kOwnMachine = Machine::AArch64;
#elif defined(__i386__)
constexpr Machine kOwnMachine = Machine::I386;
#endif

std::string procFile(pid_t pid, const std::string &file) { return "/proc/" + std::to_string(pid) + "/" + file; }
std::string taskFile(pid_t pid, pid_t tid, const char *file) {
  return procFile(pid, "task/" + std::to_string(tid) + "/" + file);
}

std::unexpected<Error> noSuchProcess(pid_t pid) {
  return fail(DiagnosticId::NoSuchProcess, "there is no process " + std::to_string(pid));
}

// Why /proc shows nothing of `pid`.
std::unexpected<Error> invisible(pid_t pid) {
  if (!readText("/proc/self/status"))
    return fail(DiagnosticId::NotPermitted, "/proc is not mounted", "mount it: lpc learns of processes there");
  if (kill(pid, 0) == 0 || errno == EPERM)
    return fail(DiagnosticId::NotPermitted,
                "process " + std::to_string(pid) + " is hidden from this user (/proc is mounted with hidepid)",
                "run lpc as root");
  return noSuchProcess(pid);
}

struct StatusFiles {
  std::string status;
  ThreadStat stat;
};

Result<StatusFiles> readStatus(pid_t pid) {
  auto status = readText(procFile(pid, "status"));
  if (!status) return invisible(pid);
  auto text = readText(procFile(pid, "stat"));
  auto stat = text ? parseStat(*text) : std::nullopt;
  if (!stat) return noSuchProcess(pid); // it ended between the two looks
  return StatusFiles{std::move(*status), *stat};
}

Result<Machine> machineOf(const std::string &process, const std::string &exe) {
  FileDescriptor file(open(exe.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<uint8_t, EI_NIDENT + 4> header{}; // identification, e_type, e_machine: at the same place in both classes
  if (!file.valid() || pread(file.get(), header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()))
    return failErrno(DiagnosticId::NotPermitted, "the program file of " + process + " cannot be read (" + exe + ")",
                     errno);
  auto eMachine = static_cast<uint16_t>(loadLittle(BytesView(header).subspan(EI_NIDENT + 2, 2)));
  auto machine = machineOfElf(eMachine, header[EI_CLASS] == ELFCLASS64);
  if (memcmp(header.data(), ELFMAG, SELFMAG) != 0 || !machine)
    return fail(DiagnosticId::OtherMachine,
                process + " runs a program of a machine that lpc does not know (ELF machine " +
                    std::to_string(eMachine) + ", class " + std::to_string(header[EI_CLASS]) + ")");
  if (*machine != kOwnMachine)
    return fail(DiagnosticId::OtherMachine, process + " runs an " + std::string(name(*machine)) +
                                                " program, and this lpc patches " + std::string(name(kOwnMachine)) +
                                                " processes");
  return *machine;
}

// kcmp(2); false also where the kernel does not tell.
bool sharesMemory(pid_t one, pid_t other) { return other > 0 && syscall(SYS_kcmp, one, other, KCMP_VM, 0, 0) == 0; }

constexpr std::chrono::milliseconds kExecuteTime{100}; // on a busy machine, too

std::string readLink(const std::string &path) {
  std::array<char, PATH_MAX> target{};
  ssize_t size = readlink(path.c_str(), target.data(), target.size());
  return size < 0 ? std::string() : std::string(target.data(), static_cast<size_t>(size));
}

} // namespace

FileDescriptor &FileDescriptor::operator=(FileDescriptor &&other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<Process> Process::open(pid_t pid) {
  if (pid <= 0) return noSuchProcess(pid);
  auto thread = readStatus(pid);
  if (!thread) return std::unexpected(thread.error());
  Process process;
  process.pid_ = static_cast<pid_t>(statusNumber(thread->status, "Tgid").value_or(static_cast<uint64_t>(pid)));
  if (process.pid_ == getpid())
    return fail(DiagnosticId::OwnProcess, "process " + std::to_string(pid) + " is lpc itself");

  // From here on it is this process or none: the pidfd comes before everything that is learned about it.
  process.pidfd_ = FileDescriptor(static_cast<int>(syscall(SYS_pidfd_open, process.pid_, 0)));
  if (!process.pidfd_.valid()) {
    if (errno == ESRCH) return noSuchProcess(pid);
    return failErrno(DiagnosticId::NotPermitted, "process " + std::to_string(pid) + ": pidfd_open (Linux 5.3)", errno);
  }
  auto leader = readStatus(process.pid_);
  // In the middle of an execve by another thread, the first one has ended: a matter of microseconds.
  auto isHeadless = [&] { return leader && strchr("ZX", leader->stat.state) && !process.ended(); };
  for (int i = 0; i < kExecuteTime.count() && isHeadless(); i++) {
    pollfd ending{process.pidfd_.get(), POLLIN, 0};
    poll(&ending, 1, 1);
    leader = readStatus(process.pid_);
  }
  if (!leader) return std::unexpected(leader.error());
  auto tracer = static_cast<pid_t>(statusNumber(leader->status, "TracerPid").value_or(0));
  if (auto refused =
          refuseByState(process.pid_, leader->status, leader->stat, getpid(), tracer ? threadName(tracer, tracer) : ""))
    return std::unexpected(std::move(*refused));
  process.startTime_ = leader->stat.startTime;

  process.mem_ = FileDescriptor(::open(process.proc("mem").c_str(), O_RDWR | O_CLOEXEC));
  if (!process.mem_.valid()) {
    if (errno == EACCES || errno == EPERM)
      return std::unexpected(explainDenied(process.pid_, accessFacts(process.pid_, leader->status)));
    bool exists = !process.ended(); // ESRCH also in the middle of an execve
    return failErrno(exists ? DiagnosticId::ProcessChanged : DiagnosticId::NoSuchProcess,
                     processNamed(process.pid_, leader->status) + (exists ? " executed a program" : " ended") +
                         " while lpc looked at it",
                     errno);
  }
  if (auto known = process.identify(processNamed(process.pid_, leader->status)); !known)
    return std::unexpected(known.error());
  if (pid_t parent = leader->stat.parent; sharesMemory(process.pid_, parent)) {
    auto waits = [&](pid_t tid) { return mayWaitForVfork(parent, tid); };
    if (std::ranges::none_of(threadIds(parent).value_or(std::vector<pid_t>{}), waits))
      return std::unexpected(sharedMemory(process.pid_, parent));
    return fail(DiagnosticId::PendingVfork,
                processNamed(process.pid_, leader->status) + " is the child of a vfork of process " +
                    std::to_string(parent) + " and shares its memory until it executes a program",
                "wait until it does");
  }
  return process;
}

// The program: its file's identity, taken after the memory was opened and so of the same program or a later one; the
// second case shows in sameMemory.
Result<void> Process::identify(const std::string &described) {
  struct stat exe{};
  if (stat(proc("exe").c_str(), &exe) != 0)
    return errno == ENOENT ? std::unexpected(gone())
                           : failErrno(DiagnosticId::NotPermitted,
                                       "the program file of " + described + " cannot be reached", errno);
  exeDevice_ = exe.st_dev, exeInode_ = exe.st_ino;
  executable_ = readLink(proc("exe"));
  auto machine = machineOf(described, proc("exe"));
  if (!machine) return std::unexpected(executable_.empty() || readLink(proc("exe")).empty() ? gone() : machine.error());
  machine_ = *machine;
  return sameMemory();
}

std::string Process::proc(const std::string &file) const { return procFile(pid_, file); }

bool Process::ended() const {
  pollfd ending{pidfd_.get(), POLLIN, 0};
  return poll(&ending, 1, 0) > 0;
}

bool Process::dying() const {
  if (ended()) return true;
  // SIGKILL is pending for each thread of a killed process until it notices (kernel/signal.c, complete_signal).
  auto status = readText(proc("status"));
  constexpr uint64_t kKill = uint64_t{1} << (SIGKILL - 1);
  return !status || (statusNumber(*status, "SigPnd", 16).value_or(0) & kKill) != 0;
}

Result<void> Process::sameMemory() const {
  uint8_t byte = 0;
  // Nothing is ever mapped at 0 but by the oddest programs: EIO, or a byte. End of file: the address space has no
  // users.
  if (pread(mem_.get(), &byte, 1, 0) != 0) return {};
  return std::unexpected(gone());
}

Error Process::gone() const {
  std::string process = "process " + std::to_string(pid_);
  if (ended()) return {.id = DiagnosticId::ProcessGone, .message = process + " has ended"};
  auto text = readText(proc("stat"));
  auto stat = text ? parseStat(*text) : std::nullopt;
  if (!stat || stat->startTime != startTime_)
    return {.id = DiagnosticId::ProcessGone, .message = process + " has ended"};
  // Between the death of its memory and that of its last thread it is no pidfd's business yet.
  std::string program = readLink(proc("exe"));
  if (program.empty()) return {.id = DiagnosticId::ProcessGone, .message = process + " is ending"};
  return {.id = DiagnosticId::ProcessChanged,
          .message = process + " has executed " + program + " since lpc looked at it"};
}

bool Process::executes() const {
  if (ended()) return false;
  auto status = readText(proc("status"));
  if (!status || statusNumber(*status, "CoreDumping").value_or(0) != 0) return false; // its threads wait for the dump
  auto threads = threadIds(pid_);
  return threads && std::ranges::any_of(*threads, [&](pid_t tid) {
           return !readLink(proc("task/" + std::to_string(tid) + "/exe")).empty();
         });
}

Result<void> Process::stillSame() const {
  if (ended()) return std::unexpected(gone());
  if (auto memory = sameMemory(); !memory) return memory;
  struct stat exe{};
  if (stat(proc("exe").c_str(), &exe) != 0 || exe.st_dev != exeDevice_ || exe.st_ino != exeInode_)
    return std::unexpected(gone());
  return {};
}

Result<std::vector<pid_t>> threadIds(pid_t pid) {
  std::unique_ptr<DIR, int (*)(DIR *)> directory(opendir(procFile(pid, "task").c_str()), closedir);
  std::vector<pid_t> ids;
  if (directory) {
    while (const dirent *entry = readdir(directory.get())) {
      pid_t id = 0;
      std::string_view text = entry->d_name;
      if (std::from_chars(text.data(), text.data() + text.size(), id).ec == std::errc{}) ids.push_back(id);
    }
  }
  if (ids.empty()) return fail(DiagnosticId::ProcessGone, "process " + std::to_string(pid) + " has ended");
  std::ranges::sort(ids);
  return ids;
}

std::string threadName(pid_t pid, pid_t tid) {
  std::string text = readText(taskFile(pid, tid, "comm")).value_or("");
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::optional<ThreadStat> threadStat(pid_t pid, pid_t tid) {
  auto text = readText(taskFile(pid, tid, "stat"));
  return text ? parseStat(*text) : std::nullopt;
}

// "NSpid: 4711 1": the last is that of the innermost namespace (proc_pid_status(5)).
pid_t idInside(pid_t pid, pid_t tid) {
  std::string status = readText(taskFile(pid, tid, "status")).value_or("");
  std::string_view ids = statusField(status, "NSpid");
  pid_t inner = tid;
  std::string_view last = ids.substr(ids.find_last_of(" \t") + 1); // all of it where there is but one
  std::from_chars(last.data(), last.data() + last.size(), inner);
  return inner;
}

pid_t threadInside(pid_t pid, pid_t inner) {
  auto threads = threadIds(pid);
  if (!threads) return 0;
  auto found = std::ranges::find(*threads, inner, [pid](pid_t tid) { return idInside(pid, tid); });
  return found == threads->end() ? 0 : *found;
}

char threadState(pid_t pid, pid_t tid) {
  auto stat = threadStat(pid, tid);
  return stat ? stat->state : 'X';
}

} // namespace lpc::runtime
