// The agent: a thread of ours in the process, made by one borrowed clone, that performs system calls while the program
// runs at full speed, and plays the table of writes while it is stopped.
//
// The way home is code, not us (executor notes, "Preparing without stopping anyone"): if lpc dies at any instant the
// borrowed thread returns to where it was, and the agent ends by itself.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/maps.h"
#include "runtime/player.h"
#include "runtime/process.h"

namespace lpc::runtime {

class RemoteThread;

class Agent {
public:
  // Borrows a blocked thread for one clone; where none is blocked in a suitable call, a running one is stopped at a
  // moment when it is safe. NoAgent (with the reason for each thread tried), NotPermitted, ProcessGone.
  // OtherMachine, RemoteCallFailed (no memory for it). `process` must stay where it is as long as the agent
  // lives.
  static Result<Agent> start(const Process &process, const std::vector<Mapping> &maps, Deadline deadline);
  Agent(Agent &&) noexcept;
  Agent &operator=(Agent &&) noexcept;
  ~Agent(); // ends its threads; the process has the threads, mappings and descriptors that it had before

  [[nodiscard]] pid_t tid() const; // to be left out of stops
  // All threads of ours, to be left out of stops: the agent, and from stage() on the player. They stand in stops of
  // their own, or run only the few instructions of x86_64_stub.h. All calls come from the thread of lpc that called
  // start().
  [[nodiscard]] std::vector<pid_t> threads() const;
  // 256 writable bytes of its own memory, for what its calls point to.
  [[nodiscard]] RemoteAddress scratch() const;

  // Performs a system call in the process: number and arguments of the machine's convention; the raw result
  // (-errno on failure). ProcessGone; RemoteCallFailed when the call does not return before the deadline.
  Result<int64_t> call(long number, std::array<uint64_t, 6> arguments = {});

  // mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE) at the first of `candidates` that is still free, and with
  // any address where `candidates` is empty. NoSpaceInReach, RemoteCallFailed (names the call and errno).
  Result<RemoteAddress> map(const std::vector<RemoteAddress> &candidates, uint64_t size, int protection);
  Result<void> protect(RemoteAddress at, uint64_t size, int protection);
  Result<void> unmap(RemoteAddress at, uint64_t size);

  // Prepares to play `writes` (copied into memory of the process now, while it runs; pages are made private now),
  // ending with the store of `done` (8 bytes) to `mark`, the state word of the registry. A player thread is born for
  // it, so take threads() after it. Staging again replaces what was staged. Lpc's death before play() leaves nothing
  // played. RemoteCallFailed, BadAddress (nothing is mapped at one of the places), ProcessGone.
  // `begun`: the first of `writes` stores it to `mark`. Where something else stands there now, the player stands by
  // from now on, until standDown(): if lpc dies, it plays where it finds `begun` in the mark, so that commit() need not
  // aim it.
  Result<void> stage(const std::vector<PlayedWrite> &writes, RemoteAddress mark, uint64_t done,
                     std::optional<uint64_t> begun = {});
  Result<void> standDown();
  // Nothing is staged any more, and the memory for it is gone.
  Result<void> unstage();
  // With everyone else stopped, the player performs them in order, and finishes even if we die. Returns when they are
  // done. BadAddress: the kernel refused one (named), those before it are done, those behind it and the mark are not.
  // RemoteCallFailed: not done at the deadline (state unknown).
  Result<void> play(Deadline deadline);
  // The same effect in less time: lpc writes by itself while the player stands by, aimed at the table, and would play
  // all of it (every row may be repeated) if we were killed in between. `writes`: what was staged, in fewer pieces
  // where that is faster. Where lpc cannot write, the player plays. One play() or commit() for each stage().
  Result<void> commit(const std::vector<PlayedWrite> &writes, Deadline deadline);
  // Where the program of our threads stands in the process. No thread of the process executes there; one that does was
  // left by an lpc that was killed.
  [[nodiscard]] RemoteRange program() const;
  // A further thread of ours, born of one of the program's, so that it has the program's file descriptors (the agent
  // has its own table). As start().
  Result<RemoteThread> borrow(const std::vector<Mapping> &maps, Deadline deadline);
  // Writes to code of the process, where the kernel lets only the tracer do so.
  Result<void> poke(RemoteAddress to, BytesView bytes) const;
  // A thread that stands at our command while others are stopped, to be among threads(); 0: none (any more).
  void setWorker(pid_t tid);
  // Before the first stage(): plays as if the process had no access to its own memory file (player.h, Unprotecting).
  void avoidMemoryFile();

private:
  struct Impl;
  explicit Agent(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace lpc::runtime
