// Work in processes of our own, side by side: a piece that crashes or hangs takes none of the others with it.
//
// Processes and not threads: what traces a process is a thread, libraries that read hostile files keep state of their
// own, and a crash of one is the end of all.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/process.h"

namespace lpc::runtime {

// Begin while there is one thread.
class SideBySide {
public:
  struct Limits {
    size_t busy = 2; // at a time that use a processor
    size_t all = 64; // at a time, with those that wait, or are older than `patience`
    std::chrono::milliseconds patience{1000};
    std::chrono::milliseconds longest{600'000}; // then a piece of work is ended (SIGKILL)
  };
  struct Ended {
    uint64_t key = 0;
    std::optional<std::string> answer; // nothing: it gave none
    std::string death;                 // then: "was ended by signal 11"
  };

  explicit SideBySide(const Limits &limits);
  SideBySide(const SideBySide &) = delete;
  SideBySide &operator=(const SideBySide &) = delete;
  ~SideBySide(); // those still at work go on to their end

  // Whether another piece may begin now.
  [[nodiscard]] bool room() const;
  // In a piece of work: it waits for something now, and others may begin. True: the user wants an end (hurry()), so
  // that it is not to wait.
  using Waits = std::function<bool()>;
  // Begins `work` in a process of its own, which ends with its answer; signals that are blocked here stay so there.
  // `key` names it. RemoteCallFailed: no process could be made.
  Result<void> start(uint64_t key, const std::function<std::string(const Waits &)> &work);

  // Waits until one has ended, there may be room, `limit` is over, or `wake` (a descriptor, or -1) can be read.
  std::vector<Ended> wait(std::chrono::milliseconds limit, int wake);

  [[nodiscard]] size_t running() const { return pieces_.size(); }
  [[nodiscard]] size_t busy() const;          // that use a processor
  [[nodiscard]] bool isOurs(pid_t pid) const; // one of the processes
  // The piece that has been at work for longest; running() > 0.
  [[nodiscard]] std::pair<uint64_t, Clock::duration> eldest() const;

  void hurry() { *hurried_ = 1; } // all that wait

private:
  struct Piece {
    uint64_t key = 0;
    pid_t pid = 0;
    FileDescriptor pipe;
    Deadline began;
    std::string received;
    bool waits = false;
  };
  bool receive(Piece &piece); // true: its end of the pipe is closed
  static Ended endOf(Piece &piece);

  Limits limits_;
  std::vector<Piece> pieces_;           // by age, the eldest first
  volatile std::sig_atomic_t *hurried_; // shared with them
};

// SIGINT, SIGTERM and SIGHUP as something to wait for, while it lives.
class EndRequests {
public:
  EndRequests();
  EndRequests(const EndRequests &) = delete;
  EndRequests &operator=(const EndRequests &) = delete;
  ~EndRequests();
  [[nodiscard]] int descriptor() const { return fd_.get(); }
  // Whether one has come. From then on the next one ends us at once, as ever.
  bool come();

private:
  void restore();
  sigset_t before_{};
  FileDescriptor fd_;
  bool come_ = false, restored_ = false;
};

} // namespace lpc::runtime
