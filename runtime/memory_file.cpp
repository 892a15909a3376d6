// The calls are the agent's; the bytes are ours. The file is reached through /proc/PID/task/TID/fd of the agent, which
// needs the same right as tracing it (proc_pid_fd(5)).
#include "runtime/memory_file.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ir/support/cat.h"

#ifndef MFD_EXEC // Linux 6.3; Debian 12's headers are older
#define MFD_EXEC 0x0010U
#endif

namespace lpc::runtime {
namespace {

std::unexpected<Error> callFailed(const Process &process, const char *call, int64_t result) {
  const char *help = result == -ENOMEM ? "the process has reached a limit on its memory (RLIMIT_AS, cgroup)"
                     : result == -EPERM || result == -EACCES
                         ? "a security policy (seccomp, SELinux, memfd_noexec) forbids it"
                         : "";
  return fail(DiagnosticId::RemoteCallFailed,
              cat(call, " failed in process ", process.pid(), ": ", std::strerror(static_cast<int>(-result))), help);
}

} // namespace

Result<MemoryFile> MemoryFile::create(const Process &process, Agent &agent, const std::string &name, uint64_t size) {
  Bytes text(name.begin(), name.end());
  text.push_back(0);
  if (auto written = process.write(agent.scratch(), text); !written) return std::unexpected(std::move(written.error()));
  // Kernels before 6.3 do not know MFD_EXEC; later ones may refuse executable mappings without it (sysctl
  // vm.memfd_noexec).
  Result<int64_t> remote = agent.call(SYS_memfd_create, {agent.scratch().value, MFD_CLOEXEC | MFD_EXEC});
  if (remote && *remote == -EINVAL) remote = agent.call(SYS_memfd_create, {agent.scratch().value, MFD_CLOEXEC});
  if (!remote) return std::unexpected(std::move(remote.error()));
  if (*remote < 0) return callFailed(process, "memfd_create", *remote);
  std::string path = process.proc(cat("task/", agent.tid(), "/fd/", *remote));
  FileDescriptor local(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!local.valid()) return failErrno(DiagnosticId::NotPermitted, cat("opening ", path), errno);
  if (ftruncate(local.get(), static_cast<off_t>(size)) != 0)
    return failErrno(DiagnosticId::RemoteCallFailed, cat("sizing memory to ", size, " bytes"), errno);
  return MemoryFile(process, agent, static_cast<int>(*remote), std::move(local));
}

Result<void> MemoryFile::write(uint64_t offset, BytesView bytes) {
  while (!bytes.empty()) {
    ssize_t count = pwrite(local_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failErrno(DiagnosticId::RemoteCallFailed, "filling new memory", errno);
    offset += static_cast<uint64_t>(count);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

Result<RemoteAddress> MemoryFile::map(std::optional<RemoteAddress> at, uint64_t offset, uint64_t size, int protection) {
  uint64_t flags = MAP_PRIVATE | (at ? uint64_t{MAP_FIXED_NOREPLACE} : 0);
  auto result = agent_->call(SYS_mmap, {at.value_or(RemoteAddress{}).value, size, static_cast<uint64_t>(protection),
                                        flags, static_cast<uint64_t>(remote_), offset});
  if (!result) return std::unexpected(std::move(result.error()));
  if (at && *result == -EEXIST)
    return fail(DiagnosticId::NoSpaceInReach, cat("the program took the memory at ", hexAddress(*at), " meanwhile"));
  if (*result < 0 && *result > -4096) return callFailed(*process_, "mmap", *result);
  RemoteAddress mapped{static_cast<uint64_t>(*result)};
  // Kernels before 4.17 take MAP_FIXED_NOREPLACE for a hint.
  if (at && mapped != *at) {
    if (auto undone = agent_->unmap(mapped, size); !undone) return std::unexpected(std::move(undone.error()));
    return fail(DiagnosticId::NoSpaceInReach, cat("the program took the memory at ", hexAddress(*at), " meanwhile"));
  }
  return mapped;
}

} // namespace lpc::runtime
