// A function that is called in the process for a patch, by a worker (runtime/worker.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/support/address.h"
#include "ir/support/source.h"

namespace lpc::backend {

// When. Start: before the switch, so that code of a payload may run (its frames are registered, its constructors
// called). Finish: after the switch back, before its memory is given back. The others are those of `on … call`.
enum class CallStage : uint8_t { Start = 1, PreApply, PostApply, PreRevert, PostRevert, Finish };
std::string_view name(CallStage stage); // "start", "pre-apply" …

struct Call {
  CallStage stage = CallStage::Start;
  RemoteAddress function;
  std::vector<uint64_t> arguments{}; // at most six
  std::string name{};                // for people: "`$fix:init`", "the constructor `start` of fix.so"
  Place place{};                     // of the statement; unknown where there is none
  // Start: its number, from 1 on. PostRevert, Finish: it is due when so many steps have been begun, of which being
  // applied is the one behind the last Start. Others: 0.
  uint64_t step = 0;
  std::optional<RemoteAddress> keptAt{}; // Start: the function is a resolver, and this pointer gets what it returns
  std::string text{};                    // not recorded; runtime::WorkerCall::text
  RemoteAddress store{};                 // not recorded; runtime::WorkerCall::store
  // Not recorded: it is dlopen or dlclose. A constructor or destructor that fails is then led out of (loader_exit.h).
  bool throughLinker = false;
  bool operator==(const Call &) const = default;
};

} // namespace lpc::backend
