// A directory of /proc has a link for each folder in it, beside its own two (fs/proc/base.c, proc_task_getattr): the
// number of threads.
#include "runtime/task_list.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>

namespace lpc::runtime {

Result<TaskList> TaskList::open(const Process &process) {
  FileDescriptor tasks(::open(process.proc("task").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tasks.valid()) return fail(DiagnosticId::ProcessGone, "process " + std::to_string(process.pid()) + " has ended");
  return TaskList(process.pid(), std::move(tasks));
}

Result<size_t> TaskList::count() const {
  struct stat directory{};
  if (fstat(tasks_.get(), &directory) != 0 || directory.st_nlink <= 2)
    return fail(DiagnosticId::ProcessGone, "process " + std::to_string(pid_) + " has ended");
  return directory.st_nlink - 2;
}

// getdents64(2): inode and offset, 8 bytes each; length, 2; type, 1; the name.
void TaskList::forEach(const std::function<void(pid_t)> &visit) const {
  constexpr size_t kLengthAt = 16, kNameAt = 19;
  alignas(8) std::array<char, 32768> entries;
  lseek(tasks_.get(), 0, SEEK_SET);
  for (;;) {
    long size = syscall(SYS_getdents64, tasks_.get(), entries.data(), entries.size());
    if (size <= 0) return;
    for (size_t at = 0; at + kNameAt < static_cast<size_t>(size);) {
      uint16_t length = 0;
      std::memcpy(&length, entries.data() + at + kLengthAt, sizeof length);
      const char *name = entries.data() + at + kNameAt;
      pid_t tid = 0;
      if (std::from_chars(name, name + strnlen(name, 16), tid).ec == std::errc{}) visit(tid);
      at += length;
    }
  }
}

} // namespace lpc::runtime
