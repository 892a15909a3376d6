// Processes that share the memory of another one without being threads of it: clone(2) with CLONE_VM and without
// CLONE_THREAD, as some sandboxes and language runtimes use it. They execute the same code, stand in no task list of
// the process, and so are not stopped with it: such a process is refused. A child of vfork is one, too, until it
// executes a program; its parent cannot be stopped so long (PendingVfork, runtime/stop).
//
// Seen are the processes of lpc's pid namespace that kcmp(2) tells it about: for root all. Not seen is one whose first
// thread has ended before others, and one that set its user, for an lpc without privilege. Where the kernel has no
// kcmp (built without CONFIG_KCMP), none is.
#pragma once

#include <vector>

#include "runtime/process.h"

namespace lpc::runtime {

class MemorySharers {
public:
  // Looks at all processes: 1 µs each. SharedMemory where there is one that is no child of a vfork.
  // `process` must outlive the object, and not be moved meanwhile.
  static Result<MemorySharers> none(const Process &process);

  // Looks at those that were born since the last look; the process runs. SharedMemory.
  Result<void> catchUp();
  // The same with all threads of the process standing: none can be born any more. Some microseconds, for the kernel
  // numbers what is born. SharedMemory; CannotStop where too many were born elsewhere to look at them now.
  Result<void> noneBorn();

private:
  explicit MemorySharers(const Process &process) : process_(&process) {}
  [[nodiscard]] pid_t newest() const;
  [[nodiscard]] std::vector<pid_t> found() const;
  Result<void> judge(std::vector<pid_t> sharers);
  [[nodiscard]] bool mayBeMadeByIt(pid_t pid) const;

  const Process *process_;
  FileDescriptor load_{};          // /proc/loadavg, whose last number is the id that was given last
  pid_t seen_ = 0;                 // so far
  std::vector<pid_t> ancestors_{}; // of the process, itself included
  std::vector<pid_t> suspects_{};  // share the memory, while a thread waits for the child of a vfork
};

} // namespace lpc::runtime
