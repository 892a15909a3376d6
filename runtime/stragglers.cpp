// Attachments that outlive their stop.
#include "runtime/stragglers.h"

#include <time.h>

#include <algorithm>
#include <vector>

namespace lpc::runtime::stragglers {
namespace {

thread_local std::vector<Tracee> list;

// True when it is no tracee of ours any more.
bool letGo(Tracee &tracee) {
  tracee.look();
  // Still ours? A process of which another thread executed a program has its id and not our attachment; where it is our
  // own child as well, waiting does not tell.
  if (tracee.state == TraceeState::Interrupted) tracee.interrupt();
  if (tracee.state == TraceeState::Stopped) {
    Registers registers; // for the cure
    tracee.readRegisters(registers);
    tracee.release();
  }
  return tracee.state == TraceeState::Ended || tracee.state == TraceeState::Loose;
}

} // namespace

void reserve(size_t count) { list.reserve(list.size() + count); }

void add(const Tracee &tracee) { list.push_back(tracee); }

std::optional<Tracee> take(pid_t tid) {
  auto found = std::ranges::find(list, tid, &Tracee::tid);
  if (found == list.end()) return std::nullopt;
  Tracee tracee = *found;
  list.erase(found);
  return tracee;
}

void attend(Deadline limit) {
  constexpr timespec kPause{0, 100'000};
  for (;;) {
    std::erase_if(list, letGo);
    if (list.empty() || Clock::now() >= limit) return;
    nanosleep(&kPause, nullptr);
  }
}

void reapEnded() {
  for (const Tracee &tracee : list)
    tracee.reapIfEnded();
}

} // namespace lpc::runtime::stragglers
