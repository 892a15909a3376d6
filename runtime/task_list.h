// The threads of a process as its /proc/PID/task tells them: how many, and which. Neither allocates, for both are asked
// while the process stands.
#pragma once

#include <sys/types.h>

#include <functional>

#include "runtime/process.h"

namespace lpc::runtime {

class TaskList {
public:
  // ProcessGone.
  static Result<TaskList> open(const Process &process);

  // Zombies and threads that are just ending included; one fstat, not a listing. ProcessGone.
  [[nodiscard]] Result<size_t> count() const;
  // Calls visit(id) for each.
  void forEach(const std::function<void(pid_t)> &visit) const;

private:
  TaskList(pid_t pid, FileDescriptor tasks) : pid_(pid), tasks_(std::move(tasks)) {}
  pid_t pid_;
  FileDescriptor tasks_;
};

} // namespace lpc::runtime
