// Letting the threads of a process go, after a stop or when one has failed.
#include <algorithm>
#include <utility>

#include "runtime/stop_state.h"
#include "runtime/stragglers.h"

namespace lpc::runtime {

std::vector<Tracees::Impl *> &Tracees::Impl::live() {
  static std::vector<Impl *> all;
  return all;
}

void Tracees::Impl::releaseAll() {
  for (Impl *each : live())
    each->release();
}

Tracees::Impl::Impl(const Process &target, std::vector<pid_t> left) : process(&target), except(std::move(left)) {
  live().push_back(this);
}

Tracees::Impl::~Impl() {
  if (stopped) release();
  std::erase(live(), this);
  stragglers::attend(Clock::now() + kLastGrace);
}

// A row that has ended, or will in a moment. The id of the first thread can live on: as a zombie until the last thread
// has ended, or as that of a thread of ours that executed a program and has taken it over. Both are attachments still.
void Tracees::Impl::giveUp(Tracee &tracee) {
  if (tracee.tid == process->pid() && tracee.state == TraceeState::Ended) tracee.interrupt();
  if (tracee.state == TraceeState::Interrupted) stragglers::add(tracee);
  tracee.state = TraceeState::Loose;
}

void Tracees::Impl::dropEnded() {
  size_t kept = 0;
  for (size_t i = 0; i < tracees.size(); i++) {
    if (tracees[i].state != TraceeState::Stopped) {
      giveUp(tracees[i]);
      continue;
    }
    if (kept != i)
      threads[kept] = threads[i], tracees[kept] = tracees[i], passes[kept] = passes[i],
      processors[kept] = processors[i];
    kept++;
  }
  threads.resize(kept), tracees.resize(kept), passes.resize(kept), processors.resize(kept);
}

void Tracees::Impl::releaseThose(bool running) {
  for (size_t i = 0; i < tracees.size(); i++) {
    bool ran = passes[i] == Pass::Running || passes[i] == Pass::DoneRunning; // a byte each: there may be thousands
    if (ran != running || tracees[i].state != TraceeState::Stopped) continue;
    if (!tracees[i].release()) { // killed: its remains are ours until they are taken away
      killed = true;
      tracees[i].state = TraceeState::Interrupted;
      stragglers::add(tracees[i]);
    }
  }
}

// All that stand run again. Allocates nothing.
void Tracees::Impl::release() {
  releaseThose(true);
  times.lastRunningReleased = monotonicMicroseconds();
  releaseThose(false);
  times.lastReleased = monotonicMicroseconds();
  if (std::ranges::none_of(threads, &StoppedThread::running)) times.lastRunningReleased = times.lastReleased;
  realtime.restore();
  ticker.stop();
  stopped = false;
}

// Ends the attachments after a stop that went wrong, or at the end of all.
void Tracees::Impl::letGo() {
  for (Tracee &tracee : tracees) {
    if (tracee.state == TraceeState::Seized) tracee.interrupt(); // there is no other way to end an attachment
    if (tracee.state == TraceeState::Interrupted) tracee.look();
    Registers registers; // it may have stopped just now, and its call is not cured
    if (!stopped && tracee.state == TraceeState::Stopped) tracee.readRegisters(registers);
    if (tracee.state != TraceeState::Stopped) giveUp(tracee);
  }
  release();
}

} // namespace lpc::runtime
