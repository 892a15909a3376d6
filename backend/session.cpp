// Memory that a reverted patch could not give back counts as a repair: every apply and revert tries again.
#include "backend/session.h"

#include <algorithm>
#include <utility>

#include "backend/leftovers.h"
#include "backend/loader_exit.h"
#include "backend/repair.h"
#include "ir/support/cat.h"

namespace lpc::backend {

Result<void> Session::look(std::vector<std::string> &remarks) {
  if (!lock_) {
    auto lock = runtime::ProcessLock::take(process_, deadline_);
    if (!lock) return std::unexpected(std::move(lock.error()));
    lock_.emplace(std::move(*lock));
  }
  caller_.end();
  bool repaired = false, left = false, erased = false;
  for (;;) {
    auto snapshot = backend::look(process_, std::move(snapshot_));
    if (!snapshot) return std::unexpected(std::move(snapshot.error()));
    snapshot_ = std::move(*snapshot);
    if (!snapshot_.sharers) {
      auto sharers = runtime::MemorySharers::none(process_);
      if (!sharers) return std::unexpected(std::move(sharers.error()));
      snapshot_.sharers = std::make_shared<runtime::MemorySharers>(std::move(*sharers));
    }
    if (!left && runtime::workerWasLeft(snapshot_.maps)) {
      left = true;
      if (auto started = startAgent(); !started) return started;
      LoaderExit exit(process_);
      auto wayOut = [&](const runtime::FailedCall &failed) { return exit.find(failed); };
      if (auto gone = runtime::removeLeftWorkers(process_, agent(), snapshot_.maps, deadline_, wayOut); !gone)
        return gone;
      continue;
    }
    if (left && !std::exchange(erased, true)) eraseLeftovers(process_, snapshot_, options_, &agent());
    auto records = readRegistry(process_, snapshot_.maps);
    if (!records) return std::unexpected(std::move(records.error()));
    records_ = std::move(*records);
    auto dropped = dropHandedOver();
    if (!dropped) return std::unexpected(std::move(dropped.error()));
    if (*dropped) continue;
    if (repaired || std::ranges::none_of(records_, needsRepair)) return {};
    if (auto started = startAgent(); !started) return started;
    auto done = repair(records_, process_, snapshot_, agent(), caller_, remarks);
    if (!done) return done;
    repaired = true;
  }
}

// Before anything is repaired: the handles have one owner.
Result<bool> Session::dropHandedOver() {
  for (const FoundRecord &found : records_) {
    if (!isHandedOver(found, records_)) continue;
    if (auto started = startAgent(); !started) return std::unexpected(std::move(started.error()));
    if (auto gone = agent().unmap(found.range.begin, found.range.size()); !gone)
      return std::unexpected(std::move(gone.error()));
    return true;
  }
  return false;
}

Result<void> Session::lookAgain() {
  auto snapshot = backend::look(process_, std::move(snapshot_));
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  snapshot_ = std::move(*snapshot);
  return {};
}

const FoundRecord *Session::applied(const std::string &name) const {
  auto found = std::ranges::find_if(records_, [&](const FoundRecord &one) {
    return one.record.name == name && one.record.state == RecordState::Applied;
  });
  return found == records_.end() ? nullptr : &*found;
}

Result<void> Session::startAgent() {
  if (agent_) return {};
  eraseLeftovers(process_, snapshot_, options_);
  auto agent = runtime::Agent::start(process_, snapshot_.maps, deadline_);
  if (!agent) return std::unexpected(std::move(agent.error()));
  agent_.emplace(std::move(*agent));
  return {};
}

Result<uint64_t> callAndTell(Session &session, const Call &call, Outcome &outcome) {
  auto result = session.call(call);
  // An int is half of the register; the other half is undefined (System V ABI).
  if (result) outcome.calls.push_back({call.stage, call.name, call.place.line, static_cast<int32_t>(*result)});
  return result;
}

Result<void> callFirst(Session &session, const Call &call, Outcome &outcome) {
  auto result = callAndTell(session, call, outcome);
  if (!result) return std::unexpected(std::move(result.error()));
  int64_t value = outcome.calls.back().result;
  if (value == 0) return {};
  return std::unexpected(Error{DiagnosticId::CallRefused,
                               cat(call.name, ", called first, returned ", value, ": the patch stays as it was"),
                               {},
                               {},
                               call.place});
}

} // namespace lpc::backend
