// Revert: the old bytes back, under the same stop and verification as apply, then the memory.
//
// Code must still have the patch's bytes: anything else was changed by someone we don't know. Data that no longer has
// the patch's value was changed by the program since, and is the program's: putting an old value over it would be a new
// change, not an undone one.
#include <algorithm>

#include "backend/outcome.h"
#include "backend/play.h"
#include "backend/prepare.h"
#include "backend/release.h"
#include "backend/session.h"
#include "backend/switch.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

class Reversion {
public:
  Reversion(const std::string &name, const runtime::Process &process, const PlayOptions &options)
      : name_(name), process_(process), options_(options), session_(process, options) {}

  Outcome run() {
    while (!once()) {
    }
    session_.endAgent();
    describeState(outcome_, process_, "revert");
    return std::move(outcome_);
  }

private:
  // False: the program changed data between our look and the stop; look again.
  bool once() {
    Stopwatch watch(outcome_);
    if (auto looked = session_.look(outcome_.remarks); !looked) return refuse(outcome_, std::move(looked.error()));
    const FoundRecord *found = session_.applied(name_);
    if (!found) return notApplied(session_.records());
    if (auto over = patchedOver(*found, session_.records())) return refuse(outcome_, std::move(*over));
    watch.lap("resolve");

    if (auto started = session_.startAgent(); !started) return refuse(outcome_, std::move(started.error()));
    if (auto asked = ask(*found); !asked) return refuse(outcome_, std::move(asked.error()));
    SwitchJob job;
    if (auto made = makeJob(*found, job); !made) return refuse(outcome_, std::move(made.error()));
    watch.lap("prepare");

    SwitchResult result = runSwitch(job, process_, session_.snapshot(), session_.agent(), options_, outcome_);
    if (result.failedGuard && *result.failedGuard < dataGuards_ && session_.timeIsLeft()) return false;
    outcome_.kind = result.kind == OutcomeKind::Applied ? OutcomeKind::Reverted : result.kind;
    outcome_.reason = std::move(result.reason);
    if (result.kind == OutcomeKind::Applied) release(*found, result.stacks);
    return true;
  }

  // `on pre-revert`, once; and then everything is due at the end.
  Result<void> ask(const FoundRecord &found) {
    if (asked_ || options_.dryRun || found.record.calls.empty()) return {};
    asked_ = true;
    uint64_t steps = 0;
    for (const Call &call : found.record.calls) {
      steps = std::max(steps, call.step);
      if (call.stage != CallStage::PreRevert) continue;
      if (auto result = callFirst(session_, call, outcome_); !result) return result;
    }
    bool later = std::ranges::any_of(found.record.calls, [](const Call &call) {
      return call.stage == CallStage::PostRevert || call.stage == CallStage::Finish;
    });
    if (auto begun = later ? session_.beginCalls() : Result<void>(); !begun) return begun;
    Bytes words;
    appendLittle(words, steps, 8);
    appendLittle(words, 0, 8);
    static_assert(kFinishedOffset == kBegunOffset + 8);
    return process_.write(found.range.begin + kBegunOffset, words);
  }

  bool notApplied(const std::vector<FoundRecord> &records) {
    outcome_.kind = OutcomeKind::NotApplied;
    Error error{DiagnosticId::NotApplied, cat("no patch named `", name_, "` is on process ", process_.pid())};
    std::vector<std::string> names;
    for (const FoundRecord &found : records)
      names.push_back(found.record.name);
    if (auto close = nearest(name_, names); !close.empty()) error.help = cat("did you mean `", close[0], "`?");
    outcome_.reason = std::move(error);
    return true;
  }

  std::optional<Error> patchedOver(const FoundRecord &found, const std::vector<FoundRecord> &records) const {
    for (const FoundRecord &later : records) {
      if (later.record.sequence <= found.record.sequence || later.record.state != RecordState::Applied) continue;
      for (const RecordedChange &a : later.record.changes)
        for (const RecordedChange &b : found.record.changes)
          if (rangeOf(a).overlaps(rangeOf(b)))
            return Error{DiagnosticId::PatchedOver,
                         cat("`", later.record.name, "`, applied later, changes ", hexAddress(a.address), " too"),
                         {},
                         cat("revert `", later.record.name, "` first")};
    }
    return std::nullopt;
  }

  static RemoteRange rangeOf(const RecordedChange &change) {
    return {change.address, change.address + change.newBytes.size()};
  }

  // Data guards come first, so that a failed guard with a small index means "look again", not "refuse".
  Result<void> makeJob(const FoundRecord &found, SwitchJob &job) {
    job.record = found.range.begin;
    job.during = RecordState::Reverting;
    job.after = RecordState::Reverted;
    std::vector<PlaceChange> places;
    outcome_.changes.clear();
    for (auto change = found.record.changes.rbegin(); change != found.record.changes.rend(); ++change) {
      if (change->code) continue;
      auto now = process_.read(change->address, change->newBytes.size());
      if (!now) return std::unexpected(std::move(now.error()));
      job.guards.push_back({change->address, *now, DiagnosticId::ProcessBusy, 0});
      if (*now == change->newBytes)
        add(*change, places);
      else
        outcome_.remarks.push_back(cat("the value at ", hexAddress(change->address),
                                       " was changed by the program since and is left as it is"));
    }
    dataGuards_ = job.guards.size();
    for (auto change = found.record.changes.rbegin(); change != found.record.changes.rend(); ++change) {
      if (!change->code) continue;
      job.guards.push_back({change->address, change->newBytes, DiagnosticId::BytesDiffer, 0});
      add(*change, places);
    }
    for (const RecordedCode &code : found.record.code)
      job.inactive.push_back({code.name, code.range, false});
    return addWrites(job, places, process_);
  }

  void add(const RecordedChange &change, std::vector<PlaceChange> &places) {
    places.push_back({change.address, change.oldBytes, change.code});
    PlannedChange told;
    told.kind = change.code ? PlannedChange::Kind::Jump : PlannedChange::Kind::Set;
    told.address = change.address;
    told.oldBytes = change.newBytes;
    told.newBytes = change.oldBytes;
    told.code = change.code;
    outcome_.changes.push_back(std::move(told));
  }

  // The patch is off; what can't be given back now is given back by a later command.
  void release(const FoundRecord &found, const std::vector<StackPosition> &stacks) {
    FoundRecord reverted = found;
    reverted.record.state = RecordState::Reverted;
    for (const Call &call : reverted.record.calls)
      reverted.record.begun = std::max(reverted.record.begun, call.step);
    finish(reverted, session_.ending([&](const Call &call) { return callAndTell(session_, call, outcome_); }, stacks),
           outcome_.remarks);
    session_.endWorker();
    std::string why;
    auto released = releaseMemory(reverted, stacks, process_, session_.agent(), why);
    if (!released)
      outcome_.remarks.push_back("the memory of the patch is kept: " + released.error().message);
    else if (!*released)
      outcome_.remarks.push_back("the memory of the patch is kept: " + why);
  }

  const std::string &name_;
  const runtime::Process &process_;
  const PlayOptions &options_;
  Session session_;
  size_t dataGuards_ = 0;
  bool asked_ = false;
  Outcome outcome_;
};

} // namespace

Outcome revert(const std::string &name, const runtime::Process &process, const PlayOptions &options) {
  return Reversion(name, process, options).run();
}

} // namespace lpc::backend
