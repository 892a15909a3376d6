// Memory made in the process from a file of ours: a memfd that the agent creates, we fill from outside, and the agent
// maps.
//
// Filling goes straight into the file while nothing is mapped yet, so no page is ever writable and executable, or even
// visible to the program, before its content is complete. The descriptor is the agent's own (it has its own table): it
// vanishes with it.
#pragma once

#include <string>

#include "runtime/agent.h"
#include "runtime/process.h"

namespace lpc::runtime {

class MemoryFile {
public:
  // `name` is what /proc/PID/maps will show ("/memfd:NAME (deleted)"); `size` bytes, zeroed. RemoteCallFailed,
  // ProcessGone. Process and agent must outlive it.
  static Result<MemoryFile> create(const Process &process, Agent &agent, const std::string &name, uint64_t size);

  // Its number in the agent's table.
  [[nodiscard]] int descriptor() const { return remote_; }

  Result<void> write(uint64_t offset, BytesView bytes);

  // Maps [offset, offset+size) privately, at `at` exactly, or anywhere without one. `protection` PROT_*. NoSpaceInReach
  // when something else is mapped there meanwhile; RemoteCallFailed.
  Result<RemoteAddress> map(std::optional<RemoteAddress> at, uint64_t offset, uint64_t size, int protection);

private:
  MemoryFile(const Process &process, Agent &agent, int remote, FileDescriptor local)
      : process_(&process), agent_(&agent), remote_(remote), local_(std::move(local)) {}
  const Process *process_;
  Agent *agent_;
  int remote_;
  FileDescriptor local_;
};

} // namespace lpc::runtime
