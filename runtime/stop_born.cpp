// Threads that are born while the others are stopped.
#include <time.h>

#include <algorithm>
#include <string>

#include "runtime/proc_text.h"
#include "runtime/stop_state.h"

namespace lpc::runtime {

size_t Tracees::Impl::standing() const {
  return static_cast<size_t>(std::ranges::count(tracees, TraceeState::Stopped, &Tracee::state));
}

bool Tracees::Impl::known(pid_t tid) const {
  auto early = tracees.begin() + static_cast<std::ptrdiff_t>(sorted);
  auto found = std::lower_bound(tracees.begin(), early, tid, [](const Tracee &t, pid_t id) { return t.tid < id; });
  if (found != early && found->tid == tid) return found->state == TraceeState::Stopped;
  return std::any_of(early, tracees.end(),
                     [&](const Tracee &t) { return t.tid == tid && t.state == TraceeState::Stopped; });
}

// A row for each that is new.
void Tracees::Impl::addBorn() {
  lasting = kernelWorkers = 0, leaderEnded = false;
  tasks->forEach([this](pid_t tid) {
    if (known(tid)) return;
    if (std::ranges::find(except, tid) != except.end())
      lasting++;
    else if (auto stat = threadStat(process->pid(), tid); stat && stat->isKernelWorker())
      countWorker();
    else
      addRow(tid, Pass::Running, stat ? stat->processor : -1);
  });
}

// Until the number of threads is that of those that stand and of those that stay for good. Threads that are ending are
// none of either: counted, one of them could vanish while another thread is born, and nobody would notice. Workers of
// the kernel do: where there were some, only a listing tells.
Result<void> Tracees::Impl::stopBorn() {
  constexpr timespec kMoment{0, 20'000};
  for (;;) {
    // A thread that executes a program takes over the id of the first thread once that has ended.
    bool alone = !leaderEnded || threadState(process->pid(), process->pid()) == 'Z';
    if (alone && kernelWorkers == 0 && counted == standing() + lasting) return {};
    size_t from = tracees.size();
    addBorn();
    if (auto done = stopPass(Pass::Running, from); !done) return done;
    while (tracees.size() > from && tracees.back().state == TraceeState::Ended) {
      if (tracees.back().tid == process->pid()) countLeader();
      threads.pop_back(), tracees.pop_back(), passes.pop_back(), processors.pop_back();
    }
    if (tracees.size() > from) continue;
    if (alone && kernelWorkers != 0) return {};
    // Only threads that are ending, which need a processor for that; or ours have ended, with the process or by an
    // execve.
    nanosleep(&kMoment, nullptr);
    if (auto done = countThem(); !done) return done;
    lookForEnded();
    if (Clock::now() >= limit)
      return fail(DiagnosticId::CannotStop, "process " + std::to_string(process->pid()) +
                                                " creates and ends threads faster than they can be stopped");
  }
}

} // namespace lpc::runtime
