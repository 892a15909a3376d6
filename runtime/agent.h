// The agent: a thread of ours in the process, made by one borrowed clone, that performs system calls while the program runs at
// full speed, and plays the table of writes while it is stopped.
//
// The way home is code, not us (executor notes, "Preparing without stopping anyone"): if lpc dies at any instant the borrowed
// thread returns to where it was, and the agent ends by itself.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "runtime/maps.h"
#include "runtime/process.h"

namespace lpc::runtime {

// One run of bytes to be put into place.
struct PlayedWrite {
  RemoteAddress to;
  Bytes bytes;
};

class Agent {
public:
  // Borrows a blocked thread for one clone; where none is blocked in a suitable call, a running one is stopped at a moment when
  // it is safe. NoAgent (with the reason for each thread tried), NotPermitted, ProcessGone.
  static Result<Agent> start(const Process &process, const std::vector<Mapping> &maps, Deadline deadline);
  Agent(Agent &&) noexcept;
  Agent &operator=(Agent &&) noexcept;
  ~Agent(); // ends the agent thread

  [[nodiscard]] pid_t tid() const; // to be left out of stops
  // 256 writable bytes of its own memory, for what its calls point to.
  [[nodiscard]] RemoteAddress scratch() const;

  // Performs a system call in the process: number and arguments of the machine's convention; the raw result
  // (-errno on failure). ProcessGone; RemoteCallFailed when the call does not return before the deadline.
  Result<int64_t> call(long number, std::array<uint64_t, 6> arguments = {});

  // mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE) at the first of `candidates` that is still free, and with any address
  // where `candidates` is empty. NoSpaceInReach, RemoteCallFailed (names the call and errno).
  Result<RemoteAddress> map(const std::vector<RemoteAddress> &candidates, uint64_t size, int protection);
  Result<void> protect(RemoteAddress at, uint64_t size, int protection);
  Result<void> unmap(RemoteAddress at, uint64_t size);

  // Prepares to play `writes` (copied into memory of the process now, while it runs), ending with the store of
  // `done` (8 bytes) to `mark`, the state word of the registry. Then play(): with everyone else stopped, the agent
  // performs them in order, finished even if we die. play() returns when they are done: within microseconds.
  Result<void> stage(const std::vector<PlayedWrite> &writes, RemoteAddress mark, uint64_t done);
  Result<void> play(Deadline deadline);

private:
  struct Impl;
  explicit Agent(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace lpc::runtime
