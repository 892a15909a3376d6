// What apply and revert begin with: a look at the process, the records on it, repaired where they need it, and an agent
// when there is work for one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/caller.h"
#include "backend/play.h"
#include "backend/registry.h"
#include "runtime/agent.h"
#include "runtime/process_lock.h"

namespace lpc::backend {

class Session {
public:
  // Process and options must outlive it. `seen`: a look that was had before, perhaps.
  Session(const runtime::Process &process, const PlayOptions &options, Snapshot seen = {})
      : process_(process), options_(options), deadline_(runtime::Clock::now() + options.timeout),
        snapshot_(std::move(seen)), caller_(process, options.timeout) {}

  // Looks (again); from the first look on no other lpc works on the process. Afterwards every record is Applied, or
  // Reverted with memory that is still in use. Repairs are told in `remarks`.
  Result<void> look(std::vector<std::string> &remarks);
  // The same for what is mapped alone, after work of our own.
  Result<void> lookAgain();
  [[nodiscard]] const Snapshot &snapshot() const { return snapshot_; }
  [[nodiscard]] std::vector<FoundRecord> &records() { return records_; }
  // The record of the patch of that name that is on the process; null where there is none.
  [[nodiscard]] const FoundRecord *applied(const std::string &name) const;

  // Starts the agent at the first call; what an earlier lpc has left of its code is erased before.
  Result<void> startAgent();
  [[nodiscard]] runtime::Agent &agent() {
    LPC_CHECK(agent_.has_value());
    return *agent_;
  }
  void endAgent() {
    caller_.end();
    agent_.reset();
  }

  // A function of the process; the agent runs. endWorker(): no further one for now.
  Result<uint64_t> call(const Call &call) { return caller_.call(call, agent(), snapshot_); }
  Result<void> prepareCalls(const std::optional<runtime::ThreadLibrary> &known = {}) {
    return caller_.prepare(snapshot_, known);
  }
  // Makes the thread for them, before anything is changed.
  Result<void> beginCalls() { return caller_.begin(agent(), snapshot_); }
  void endWorker() { caller_.end(); }
  // `stacks` must outlive it.
  [[nodiscard]] Ending ending(MakeCall call, const std::vector<StackPosition> &stacks) {
    return {process_, agent(), std::move(call), [this] { endWorker(); }, stacks};
  }

  [[nodiscard]] bool timeIsLeft() const { return runtime::Clock::now() < deadline_; }

private:
  Result<bool> dropHandedOver();

  const runtime::Process &process_;
  const PlayOptions &options_;
  runtime::Deadline deadline_;
  std::optional<runtime::ProcessLock> lock_; // given back last
  Snapshot snapshot_;
  std::vector<FoundRecord> records_;
  std::optional<runtime::Agent> agent_;
  Caller caller_; // ends before the agent
};

// Makes a call and tells of it in the outcome; what it returned, as an int.
Result<uint64_t> callAndTell(Session &session, const Call &call, Outcome &outcome);
// The same for one that comes first: CallRefused where it returns another value than 0.
Result<void> callFirst(Session &session, const Call &call, Outcome &outcome);

} // namespace lpc::backend
