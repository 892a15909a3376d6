// An lpc that is killed in the middle of a borrow leaves its stub behind the code of the program: the borrowed thread
// and the one that is born are led out of it by the stub itself, and nobody is there to erase it. So do the programs of
// agents and workers stay. Without this the room would be used up after some tens of kills.
//
// Who can be in it? Threads that were led there by that lpc, until they leave; nothing in the process points to the
// code once they are gone. A thread whose signals are open at that instant (borrow.cpp, between 4 and 5; the stub's
// last instructions) may be called away by a signal and has the way back in its frame, on its stack; a worker has
// return addresses there. So with all threads standing it is looked at their program counters, registers and stacks, by
// the same means as for functions that are replaced.
//
// The same goes for the memory of a worker that lpc was about to have made: whoever is about to make it has the address
// of its attributes, and one that is made has its stack and its control block there.
//
// An lpc that the lock does not keep out (it sees the process through another /proc) has a thread of it seized from
// before its stub is written until after it is erased, and from then on its agent. Then the stop does not succeed, and
// nothing is erased.
#include "backend/leftovers.h"

#include <algorithm>
#include <ctime>

#include "backend/activity.h"
#include "runtime/leftovers.h"
#include "runtime/memory_sharers.h"
#include "runtime/stop.h"

namespace lpc::backend {
namespace {

using runtime::Clock;
using runtime::Leftover;

constexpr auto kStopTime = std::chrono::seconds(1);
constexpr long kMostRest = 8'000'000; // ns: the longest of the rests between two attempts, each twice the one before

// All of one kind: who is in one of them has nothing to do with those of another kind.
class Kind {
public:
  Kind(std::vector<Leftover> p, ActivityCheck c) : places(std::move(p)), check(std::move(c)) {}

  std::vector<Leftover> places;
  ActivityCheck check;
  bool used = false;

  void look(std::span<const runtime::StoppedThread *const> threads) {
    used = used || check.findAny(threads, nullptr) || std::ranges::any_of(threads, [&](const auto *thread) {
             return contain(thread->registers.stackPointer()) || contain(thread->registers.threadPointer());
           });
  }

private:
  [[nodiscard]] bool contain(RemoteAddress at) const {
    return std::ranges::any_of(places, [&](const Leftover &one) { return one.range.contains(at); });
  }
};

std::vector<Kind> kindsOf(std::vector<Leftover> left, const runtime::Process &process, const Snapshot &snapshot) {
  std::vector<Kind> kinds;
  std::ranges::stable_sort(left, {}, &Leftover::kind);
  for (auto begin = left.begin(); begin != left.end();) {
    auto end = std::ranges::find_if(begin, left.end(), [&](const Leftover &one) { return one.kind != begin->kind; });
    std::vector<GuardedCode> guarded;
    for (const Leftover &one : std::ranges::subrange(begin, end))
      for (const RemoteRange &range : one.pointed)
        guarded.push_back({.name = std::string(one.kind), .range = range, .startIsSafe = false, .pointers = true});
    kinds.emplace_back(std::vector(begin, end), ActivityCheck(process, snapshot.maps, std::move(guarded)));
    begin = end;
  }
  return kinds;
}

// One stop. In `left` stays what may be erased in a moment.
void attempt(std::vector<Leftover> &left, const runtime::Process &process, const Snapshot &snapshot,
             const PlayOptions &options, const std::vector<pid_t> &own) {
  runtime::MemorySharers *sharers = snapshot.sharers.get();
  if (sharers && !sharers->catchUp()) return;
  std::vector<Kind> kinds = kindsOf(left, process, snapshot);
  size_t largest = std::ranges::max(left, {}, [](const Leftover &one) { return one.bytes.size(); }).bytes.size();
  Bytes now(largest), nothing(largest);
  auto tracees = runtime::Tracees::seize(process, own, Clock::now() + kStopTime);
  if (!tracees) return;
  auto stopped = tracees->stop(Clock::now() + kStopTime, options.maxPause, [&](auto threads) -> Result<void> {
    for (Kind &kind : kinds)
      kind.look(threads);
    if (!std::ranges::all_of(kinds, &Kind::used)) return {};
    return fail(DiagnosticId::ProcessBusy, "a thread is in what an earlier lpc has left");
  });
  const bool proven = stopped && (!sharers || sharers->noneBorn());
  for (const Kind &kind : kinds)
    for (const Leftover &one : kind.places) {
      std::span found = std::span(now).first(one.bytes.size());
      if (proven && !kind.used && process.read(one.at, found) && std::ranges::equal(found, one.bytes))
        (void)process.write(one.at, BytesView(nothing).first(one.bytes.size()));
    }
  tracees->detach();
  left.clear();
  for (Kind &kind : kinds)
    if (kind.used ? kind.places.front().brief : !proven) std::ranges::move(kind.places, std::back_inserter(left));
}

} // namespace

void eraseLeftovers(const runtime::Process &process, const Snapshot &snapshot, const PlayOptions &options,
                    const runtime::Agent *agent) {
  std::vector<Leftover> left = runtime::findLeftovers(process, snapshot.maps);
  if (agent) std::erase_if(left, [&](const Leftover &one) { return agent->program().contains(one.at); });
  const std::vector<pid_t> own = agent ? agent->threads() : std::vector<pid_t>{};
  for (timespec rest{0, 1'000'000}; !left.empty(); rest.tv_nsec *= 2) {
    attempt(left, process, snapshot, options, own);
    if (left.empty() || rest.tv_nsec > kMostRest || process.ended()) return;
    nanosleep(&rest, nullptr);
  }
}

} // namespace lpc::backend
