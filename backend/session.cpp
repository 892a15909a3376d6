// Memory that a reverted patch could not give back counts as a repair: every apply and revert tries again.
#include "backend/session.h"

#include <algorithm>

#include "backend/repair.h"

namespace lpc::backend {

Result<void> Session::look(std::vector<std::string> &remarks) {
  if (!lock_) {
    auto lock = runtime::ProcessLock::take(process_, deadline_);
    if (!lock) return std::unexpected(std::move(lock.error()));
    lock_.emplace(std::move(*lock));
  }
  for (bool repaired = false;; repaired = true) {
    auto snapshot = backend::look(process_, std::move(snapshot_));
    if (!snapshot) return std::unexpected(std::move(snapshot.error()));
    snapshot_ = std::move(*snapshot);
    auto records = readRegistry(process_, snapshot_.maps);
    if (!records) return std::unexpected(std::move(records.error()));
    records_ = std::move(*records);
    if (repaired || std::ranges::none_of(records_, needsRepair)) return {};
    if (auto started = startAgent(); !started) return started;
    if (auto done = repair(records_, process_, snapshot_, *agent_, remarks); !done) return done;
  }
}

const FoundRecord *Session::applied(const std::string &name) const {
  auto found = std::ranges::find_if(records_, [&](const FoundRecord &one) {
    return one.record.name == name && one.record.state == RecordState::Applied;
  });
  return found == records_.end() ? nullptr : &*found;
}

Result<void> Session::startAgent() {
  if (agent_) return {};
  auto agent = runtime::Agent::start(process_, snapshot_.maps, deadline_);
  if (!agent) return std::unexpected(std::move(agent.error()));
  agent_.emplace(std::move(*agent));
  return {};
}

} // namespace lpc::backend
