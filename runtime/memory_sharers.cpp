// Who shares the memory of a process.
//
// /proc shows no such thing. kcmp(2) compares the address spaces of two processes in less than a microsecond, so that
// the first look simply asks for every process there is. Later looks are at the ids that were given since: the kernel
// gives them in ascending order and tells the last one (proc(5), /proc/loadavg), which costs 1 µs.
//
// In the stop, kcmp is asked for few: it would wait where a process is just executing a program, for as long as it
// takes to free the memory of the one before. The topmost of all that share the memory was made by a thread of the
// process, and so has the process or one of its ancestors as parent (CLONE_PARENT; or who takes in orphans: a
// subreaper or the first process, ancestors as well). Only such newborns are compared.
//
// Rejected: reading /proc/PID/stat of all (12 µs each); /proc/PID/task/TID/children (not those that were orphaned);
// stopping the others, too: each would need an agent's view of its own (seccomp, users, its own exec).
#include "runtime/memory_sharers.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <memory>
#include <string_view>

#include "ir/support/cat.h"
#include "runtime/proc_text.h"
#include "runtime/stop_reasons.h"
#include "runtime/thread_wait.h"

namespace lpc::runtime {
namespace {

constexpr pid_t kMostInStop = 64;     // newborns that are looked at while the process stands
constexpr pid_t kMostByNumber = 4096; // further ones: all processes are looked at instead
constexpr size_t kMostAncestors = 64;
// A child of vfork is there some moments before its parent waits for it.
constexpr auto kVforkBegins = std::chrono::milliseconds(50);
constexpr uint64_t kKernelThread = 0x00200000; // PF_KTHREAD: borrows the memory, executes none of its code

bool sharesMemory(pid_t one, pid_t other) { return syscall(SYS_kcmp, one, other, KCMP_VM, 0, 0) == 0; }

std::optional<ThreadStat> statOf(pid_t pid) {
  auto text = readText(cat("/proc/", pid, "/stat"));
  return text ? parseStat(*text) : std::nullopt;
}

// Has it the same memory, and is neither a thread of the process nor the kernel's?
bool isSharer(pid_t process, pid_t pid) {
  if (pid == process || !sharesMemory(process, pid) || syscall(SYS_tgkill, process, pid, 0) == 0) return false;
  auto stat = statOf(pid);
  return stat && (stat->flags & kKernelThread) == 0;
}

} // namespace

// "0.20 0.18 0.12 1/80 11206"; 0 where that is not what stands there.
pid_t MemorySharers::newest() const {
  std::array<char, 128> text{};
  ssize_t size = pread(load_.get(), text.data(), text.size(), 0);
  if (size <= 0) return 0;
  std::string_view line(text.data(), static_cast<size_t>(size));
  pid_t last = 0;
  line.remove_prefix(std::min(line.rfind(' ') + 1, line.size()));
  std::from_chars(line.data(), line.data() + line.size(), last);
  return last;
}

std::vector<pid_t> MemorySharers::found() const {
  std::vector<pid_t> sharers;
  std::unique_ptr<DIR, int (*)(DIR *)> directory(opendir("/proc"), closedir);
  while (const dirent *entry = directory ? readdir(directory.get()) : nullptr) {
    pid_t pid = 0;
    std::string_view name = entry->d_name;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec == std::errc{} &&
        isSharer(process_->pid(), pid))
      sharers.push_back(pid);
  }
  return sharers;
}

Result<MemorySharers> MemorySharers::none(const Process &process) {
  MemorySharers all(process);
  all.load_ = FileDescriptor(open("/proc/loadavg", O_RDONLY | O_CLOEXEC));
  all.seen_ = all.newest();
  for (pid_t pid = process.pid(); pid > 0 && all.ancestors_.size() < kMostAncestors;) {
    all.ancestors_.push_back(pid);
    auto stat = statOf(pid);
    pid = stat ? stat->parent : 0;
  }
  if (auto judged = all.judge(all.found()); !judged) return std::unexpected(judged.error());
  return all;
}

// While a thread waits for the child of a vfork, it may be that one. The thread cannot be stopped; once it can, what
// shares the memory still is something else.
Result<void> MemorySharers::judge(std::vector<pid_t> sharers) {
  auto waits = [&](pid_t tid) { return waitsForVfork(*process_, tid); };
  timespec moment{0, 1'000'000};
  for (auto deadline = Clock::now() + kVforkBegins;; nanosleep(&moment, nullptr)) {
    std::erase_if(sharers, [&](pid_t pid) { return !isSharer(process_->pid(), pid); });
    if (sharers.empty()) return {};
    bool pending = std::ranges::any_of(threadIds(process_->pid()).value_or(std::vector<pid_t>{}), waits);
    if (!pending && Clock::now() < deadline) continue;
    suspects_.insert(suspects_.end(), sharers.begin(), sharers.end());
    if (pending) return {};
    return std::unexpected(sharedMemory(process_->pid(), sharers.front()));
  }
}

Result<void> MemorySharers::catchUp() {
  pid_t from = seen_;
  seen_ = newest();
  std::vector<pid_t> sharers = std::move(suspects_);
  suspects_.clear();
  if (seen_ < from || seen_ - from > kMostByNumber) { // the numbers began anew; or very many
    sharers = found();
  } else {
    for (pid_t pid = from + 1; pid <= seen_; pid++)
      if (isSharer(process_->pid(), pid)) sharers.push_back(pid);
  }
  return judge(std::move(sharers));
}

bool MemorySharers::mayBeMadeByIt(pid_t pid) const {
  auto stat = statOf(pid);
  return stat && std::ranges::find(ancestors_, stat->parent) != ancestors_.end();
}

Result<void> MemorySharers::noneBorn() {
  pid_t last = newest();
  if (last < seen_ || last - seen_ > kMostInStop)
    return fail(DiagnosticId::CannotStop, "too many processes were started meanwhile to see whether one of them shares "
                                          "the memory");
  for (pid_t pid = seen_ + 1; pid <= last; pid++)
    if (mayBeMadeByIt(pid) && isSharer(process_->pid(), pid))
      return std::unexpected(sharedMemory(process_->pid(), pid));
  for (pid_t pid : suspects_)
    if (isSharer(process_->pid(), pid)) return std::unexpected(sharedMemory(process_->pid(), pid));
  return {};
}

} // namespace lpc::runtime
