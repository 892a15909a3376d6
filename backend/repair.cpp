// Always backwards. An interrupted apply and an interrupted revert look alike: some places have the old bytes and some
// the new ones, and the record has both. Putting the old bytes back is right for both, and needs nothing but the
// record.
//
// An lpc that is only slow, not dead, holds the lock of its session, so whatever is found unfinished was left behind.
#include "backend/repair.h"

#include "backend/prepare.h"
#include "backend/release.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

// Data that no longer has the patch's value belongs to the program again.
Result<std::vector<PlaceChange>> placesToRestore(const Record &record, const runtime::Process &process) {
  std::vector<PlaceChange> places;
  for (auto change = record.changes.rbegin(); change != record.changes.rend(); ++change) {
    auto now = process.read(change->address, change->newBytes.size());
    if (!now) return std::unexpected(std::move(now.error()));
    if (change->code || *now == change->newBytes) places.push_back({change->address, change->oldBytes, change->code});
  }
  return places;
}

Result<std::vector<StackPosition>> undo(FoundRecord &found, const runtime::Process &process, const Snapshot &snapshot,
                                        runtime::Agent &agent) {
  SwitchJob job;
  job.record = found.range.begin;
  job.during = RecordState::Reverting;
  job.after = RecordState::Reverted;
  if (found.record.state == RecordState::Switching || found.record.state == RecordState::Reverting) {
    auto places = placesToRestore(found.record, process);
    if (!places) return std::unexpected(std::move(places.error()));
    if (auto added = addWrites(job, *places, process); !added) return std::unexpected(std::move(added.error()));
  }
  Outcome ignored;
  SwitchResult result = runSwitch(job, process, snapshot, agent, {}, ignored);
  if (result.kind != OutcomeKind::Applied) return std::unexpected(std::move(*result.reason));
  found.record.state = RecordState::Reverted;
  return std::move(result.stacks);
}

} // namespace

bool needsRepair(const FoundRecord &found) { return found.record.state != RecordState::Applied; }

Result<void> repair(const std::vector<FoundRecord> &records, const runtime::Process &process, const Snapshot &snapshot,
                    runtime::Agent &agent, Caller &caller, std::vector<std::string> &remarks) {
  for (auto found = records.rbegin(); found != records.rend(); ++found) {
    if (!needsRepair(*found)) continue;
    FoundRecord one = *found;
    bool wasReverted = one.record.state == RecordState::Reverted;
    auto stacks = undo(one, process, snapshot, agent);
    if (!stacks && wasReverted && stacks.error().id != DiagnosticId::ProcessGone) continue; // memory can wait
    if (!stacks)
      return std::unexpected(
          std::move(stacks.error()).during(cat("repairing the interrupted patch `", one.record.name, "`")));
    if (!wasReverted)
      remarks.push_back(
          cat("an earlier lpc was ended in the middle of `", one.record.name, "`: everything it had done was undone"));
    finish(one,
           {process, agent, [&](const Call &call) { return caller.call(call, agent, snapshot); }, [&] { caller.end(); },
            *stacks},
           remarks);
    caller.end();
    std::string why;
    auto released = releaseMemory(one, *stacks, process, agent, why);
    if (!released) return std::unexpected(std::move(released.error()));
    if (!*released && !wasReverted) remarks.push_back(cat("memory of `", one.record.name, "` is kept: ", why));
  }
  return {};
}

} // namespace lpc::backend
