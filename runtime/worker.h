// The worker: a thread that the process makes with its own pthread_create, on which functions of the process are
// called. To them it is a thread like any other: malloc, locks, exceptions, thread-local variables and file descriptors
// are those of the program. It ends the way threads of the C library end.
//
// lpc's death at any moment harms nobody as long as the function that runs does not: the worker finishes it, and ends.
// A signal that the function raises after that is the program's.
#pragma once

#include <sys/user.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/agent.h"
#include "runtime/quiet.h"
#include "runtime/thread_storage.h"

namespace lpc::runtime {

// What the C library of a process says about its threads; glibc's, found by the symbols named.
struct ThreadLibrary {
  RemoteAddress create;   // pthread_create
  uint64_t idOffset = 0;  // of the thread's id from its thread pointer: _thread_db_pthread_tid
  ThreadStorage storage;  // of the C library's own thread-local variables; `fromThread` is known
  bool inProgram = false; // linked statically: its code is the program's, and so are those variables
  // Where another library allocates:
  std::optional<CodeOwners> owners{};
  RemoteAddress errnoLocation{}; // __errno_location
};

// A function that raised a signal, or is `late`. Its thread stands.
struct FailedCall {
  pid_t tid = 0;
  bool late = false;
  user_regs_struct registers{}; // where it is
  RemoteRange caller{};         // the code that called the function, and the stack pointer there
  RemoteAddress stack{};
  std::string text{}; // WorkerCall::text
};
// Where its thread can go on, so that what lies between the function that was called and the one that failed comes to
// its end. Later: not from here; ask again when it has run on (only of one that is late).
struct WayOut {
  enum class Kind : uint8_t { None, Later, GoOn } kind = Kind::None;
  user_regs_struct registers{};
};
using FindWayOut = std::function<WayOut(const FailedCall &)>;

struct WorkerCall {
  RemoteAddress function;
  std::array<uint64_t, 6> arguments{};
  // A text of at most kLongestWorkerText bytes whose address is the first argument: it lasts as long as the worker
  // does.
  std::string text{};
  // The worker itself puts the result there (8 bytes) when the function returns, even if lpc is no more; 0: nowhere.
  RemoteAddress store{};
  FindWayOut wayOut{}; // where there may be one
};
constexpr uint64_t kLongestWorkerText = 3000;

class Worker {
public:
  // NoThreads (pthread_create refused, with its errno; a lock of the C library is held for long; it is linked into
  // the program, of which the only thread never sleeps; or another library allocates, and no thread sleeps outside of
  // it), NoAgent,
  // RemoteCallFailed, ProcessGone. Process and agent must outlive it.
  static Result<Worker> start(const Process &process, Agent &agent, const std::vector<Mapping> &maps,
                              const ThreadLibrary &library, Deadline deadline);
  Worker(Worker &&) noexcept;
  Worker &operator=(Worker &&) noexcept;
  ~Worker(); // ends it; the process has the threads and mappings that it had before

  // Calls a function and waits for it: the result register. CallFailed: it raised a signal, ended the thread, or did
  // not come back in time; the worker is ended then, and what the function held (locks) stays held. Where it was led
  // out, and has returned after all, it is alive(). ProcessGone.
  Result<uint64_t> run(const WorkerCall &call, std::chrono::microseconds limit);
  [[nodiscard]] bool alive() const; // false: start another one

private:
  struct Impl;
  explicit Worker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What an lpc that was killed has left of its worker: waits for the thread, until `deadline`, and gives its memory
// back. One whose function has failed is led out, or ended. CallRunning: a function is still at work. Nothing in the
// process is touched where there is none.
bool workerWasLeft(const std::vector<Mapping> &maps);
Result<void> removeLeftWorkers(const Process &process, Agent &agent, const std::vector<Mapping> &maps,
                               Deadline deadline, const FindWayOut &wayOut);

} // namespace lpc::runtime
