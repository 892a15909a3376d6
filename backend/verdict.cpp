// A thread that wakes up while it is looked at is looked at again, a few times: then it counts as one that runs.
#include "backend/verdict.h"

#include <cerrno>
#include <utility>

#include "runtime/sleeper.h"

namespace lpc::backend {
namespace {

constexpr unsigned kLooks = 4;

std::string nameOf(const PlannedChange &change, const Plan &plan) {
  for (const PlannedFunction &function : plan.functions)
    if (function.range.contains(change.address)) return function.name;
  return hexAddress(change.address);
}

class Judge {
public:
  Judge(const Plan &plan, const runtime::Process &process, const Snapshot &snapshot)
      : process_(process), snapshot_(snapshot), guarded_(guardedBy(plan)), activity_(process, snapshot.maps, guarded_) {
  }

  // False: the thread has ended.
  bool judge(ThreadVerdict &thread) {
    if (guarded_.empty()) return thread.kind = VerdictKind::Free, true;
    for (unsigned look = 0; look < kLooks; look++) {
      auto found = runtime::sleeperAt(process_, thread.tid);
      if (!found) return found.error() != ENOENT && found.error() != ESRCH; // its verdict stays Unknown
      const std::optional<runtime::Sleeper> &sleeper = *found;
      if (!sleeper) break;
      ThreadVerdict verdict = of(*sleeper, thread);
      if (runtime::sleptOn(process_, *sleeper)) return thread = std::move(verdict), true;
    }
    return thread.kind = VerdictKind::Running, true;
  }

private:
  ThreadVerdict of(const runtime::Sleeper &sleeper, ThreadVerdict verdict) {
    const runtime::Registers &registers = sleeper.thread.registers;
    if (registers.programCounter().value == 0 && registers.stackPointer().value == 0)
      return verdict.kind = VerdictKind::Free, verdict;
    std::optional<Active> active = activity_.find(sleeper.thread, nullptr);
    if (active && !active->proven) active = activity_.find(sleeper.thread, unwinder());
    if (active) {
      verdict.kind = active->proven && !active->assumed ? VerdictKind::Active : VerdictKind::MaybeActive;
      verdict.function = std::move(active->function);
      verdict.frame = active->frame;
    } else {
      bool ownStackIsKnown =
          verdict.tid == process_.pid() || runtime::mappingAt(snapshot_.maps, registers.threadPointer()) != nullptr;
      verdict.kind = ownStackIsKnown ? VerdictKind::Free : VerdictKind::Unknown;
    }
    return verdict;
  }

  // Null where the process's modules can't be read.
  runtime::Unwinder *unwinder() {
    if (!unwinder_) {
      auto made = runtime::Unwinder::prepare(process_, snapshot_.maps, snapshot_.modules);
      if (made) unwinder_.emplace(std::move(*made));
    }
    return unwinder_ ? &*unwinder_ : nullptr;
  }

  const runtime::Process &process_;
  const Snapshot &snapshot_;
  std::vector<GuardedCode> guarded_;
  ActivityCheck activity_;
  std::optional<runtime::Unwinder> unwinder_; // made at the first hit
};

} // namespace

std::vector<GuardedCode> guardedBy(const Plan &plan, const std::function<bool(const std::string &)> &mayBeActive) {
  std::vector<GuardedCode> guarded;
  for (const PlannedChange &change : plan.changes)
    if (change.code && !change.prepared)
      guarded.push_back(
          {.name = nameOf(change, plan),
           .range = {change.address, change.address + change.newBytes.size()},
           .endIsSafe = change.kind == PlannedChange::Kind::Nop || change.kind == PlannedChange::Kind::Set});
  for (const PlannedFunction &function : plan.functions)
    if (!mayBeActive(function.name)) guarded.push_back({function.name, function.range});
  return guarded;
}

std::vector<GuardedCode> guardedBy(const Plan &plan) {
  if (plan.oneStore && plan.functions.empty()) return {};
  return guardedBy(plan, [](const std::string &) { return false; });
}

std::string_view name(VerdictKind kind) {
  switch (kind) {
  case VerdictKind::Free: return "free";
  case VerdictKind::Active: return "active";
  case VerdictKind::MaybeActive: return "maybe-active";
  case VerdictKind::Running: return "running";
  case VerdictKind::Unknown: return "unknown";
  }
  std::unreachable();
}

std::vector<ThreadVerdict> verdictsOf(const Plan &plan, const runtime::Process &process, const Snapshot &snapshot) {
  std::vector<ThreadVerdict> verdicts;
  auto threads = runtime::threadIds(process.pid());
  if (!threads) return verdicts;
  Judge judge(plan, process, snapshot);
  for (pid_t tid : *threads) {
    ThreadVerdict thread{.tid = tid, .name = runtime::threadName(process.pid(), tid)};
    if (judge.judge(thread)) verdicts.push_back(std::move(thread));
  }
  return verdicts;
}

} // namespace lpc::backend
