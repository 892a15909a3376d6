// What a plan guards, and which threads are in its way now: the activity check, made without a stop of threads that
// sleep. What runs is decided at the stop.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/activity.h"
#include "backend/plan.h"
#include "runtime/process.h"

namespace lpc::backend {

// What must not be active when the switch comes: bytes of code that are overwritten, and functions that are replaced
// except those that `mayBeActive` allows.
std::vector<GuardedCode> guardedBy(const Plan &plan, const std::function<bool(const std::string &)> &mayBeActive);
// The same with no exceptions; nothing where the plan needs no stop.
std::vector<GuardedCode> guardedBy(const Plan &plan);

enum class VerdictKind : uint8_t {
  Free,
  Active,
  MaybeActive, // it looks active, and its stack could not be unwound to the end: at the stop it counts as active
  Running,
  Unknown // it sleeps, and the kernel does not tell where, or which stack is its own
};
std::string_view name(VerdictKind kind); // as in documents: "maybe-active"

struct ThreadVerdict {
  pid_t tid = 0;
  std::string name{};
  VerdictKind kind = VerdictKind::Unknown;
  std::string function{}; // Active, MaybeActive: where
  unsigned frame = 0;     // 0: it executes there; n: it returns there after n calls
};

// Of each thread, ascending by id. Reads the process while it runs and changes nothing.
std::vector<ThreadVerdict> verdictsOf(const Plan &plan, const runtime::Process &process, const Snapshot &snapshot);

} // namespace lpc::backend
