// Apply, from the first look to the last thread released. The steps are those of play.h; each is a function of its own
// file.
#include <sys/mman.h>

#include <algorithm>
#include <iterator>

#include "backend/digest.h"
#include "backend/opener.h"
#include "backend/outcome.h"
#include "backend/plan_digest.h"
#include "backend/play.h"
#include "backend/prepare.h"
#include "backend/release.h"
#include "backend/session.h"
#include "backend/switch.h"
#include "backend/verdict.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

constexpr unsigned kAttempts = 8; // plans: the program maps memory, or moves a pointer that we follow, while we prepare

class Application {
public:
  Application(const ir::Patch &patch, const runtime::Process &process, const PlayOptions &options, Snapshot seen)
      : patch_(patch), process_(process), options_(options), session_(process, options, std::move(seen)) {}

  Outcome run() {
    for (unsigned attempt = 0; attempt < kAttempts; attempt++)
      if (once(attempt)) break;
    session_.endAgent(); // its end belongs to the work
    describeState(outcome_, process_, "apply");
    return std::move(outcome_);
  }

private:
  // True: outcome_ says how it ended. False: plan again.
  bool once(unsigned attempt) {
    Stopwatch watch(outcome_);
    ran_ = false;
    if (auto looked = session_.look(outcome_.remarks); !looked) return refuse(outcome_, std::move(looked.error()));
    watch.lap("resolve");

    if (const FoundRecord *known = session_.applied(patch_.name)) return alreadyThere(known->record);
    auto plan = makePlan(patch_, process_, session_.snapshot(), attempt);
    if (!plan) return refuse(outcome_, std::move(plan.error()));
    if (options_.expectedPlan && *options_.expectedPlan != digestOf(*plan)) return refuse(outcome_, differs(*plan));
    watch.lap("plan");

    if (options_.dryRun && !plan->openings.empty()) return describeUnopened(*plan);

    if (auto started = session_.startAgent(); !started) return refuse(outcome_, std::move(started.error()));
    uint64_t sequence = session_.records().empty() ? 1 : session_.records().back().record.sequence + 1;
    std::optional<Opener> opener;
    if (!plan->openings.empty()) {
      opener.emplace(patch_, process_, session_, outcome_.remarks);
      auto opened = opener->open(*plan, sequence);
      if (!opened) return refuse(outcome_, std::move(opened.error()));
      watch.lap("dlopen");
      plan = makePlan(patch_, process_, session_.snapshot(), attempt, false, &*opened);
      if (!plan) return refuse(outcome_, std::move(plan.error()));
      watch.lap("plan");
    }
    auto made = prepareMemory(*plan, recordOf(*plan, sequence), process_, session_.agent(), session_.snapshot().maps);
    if (!made)
      return made.error().id != DiagnosticId::NoSpaceInReach || attempt + 1 == kAttempts
                 ? refuse(outcome_, std::move(made.error()))
                 : false;
    if (opener) {
      ran_ = true; // from here on the record closes what is open
      if (auto handed = opener->handOver(); !handed)
        return withdraw(*made, {}), refuse(outcome_, std::move(handed.error()));
    }
    if (auto begun = begin(*plan, *made); !begun)
      return withdraw(*made, {}), refuse(outcome_, std::move(begun.error()));
    SwitchJob job = jobOf(*plan, *made);
    if (auto added = addWrites(job, placesOf(*plan), process_); !added)
      return withdraw(*made, {}), refuse(outcome_, std::move(added.error()));
    watch.lap("prepare");

    SwitchResult result = runSwitch(job, process_, session_.snapshot(), session_.agent(), options_, outcome_);
    outcome_.kind = result.kind;
    outcome_.reason = std::move(result.reason);
    outcome_.memories = std::move(plan->memories);
    outcome_.changes = std::move(plan->changes);
    outcome_.openings = std::move(plan->openings);
    if (outcome_.kind == OutcomeKind::Applied || outcome_.kind == OutcomeKind::DryRun)
      std::ranges::move(plan->remarks, std::back_inserter(outcome_.remarks));
    if (result.kind == OutcomeKind::Applied) return takeOldBytes(made->record), callAfterwards(*plan), true;
    if (result.kind != OutcomeKind::Uncertain && result.kind != OutcomeKind::Gone) withdraw(*made, result.stacks);
    // A pointer that was followed leads elsewhere now: plan again, as long as there is time.
    bool pointerMoved = result.failedGuard && *result.failedGuard < plan->pointers.size();
    return !(pointerMoved && session_.timeIsLeft());
  }

  // Without the objects there is nothing to try the switch with.
  bool describeUnopened(Plan &plan) {
    outcome_.kind = OutcomeKind::DryRun;
    outcome_.memories = std::move(plan.memories);
    outcome_.openings = std::move(plan.openings);
    outcome_.remarks.emplace_back("nothing is loaded with `dlopen` in a dry run, so the stop is not tried either");
    return true;
  }

  Error differs(const Plan &plan) const {
    LPC_CHECK(options_.expectedPlan.has_value());
    return {DiagnosticId::PlanDiffers,
            cat("what would be done to process ", process_.pid(), " is not what was planned"),
            {{"plans:", {}, {"expected  " + toHex(*options_.expectedPlan), "now       " + toHex(digestOf(plan))}}},
            cat("look at what it would be now: lpc plan PATCH --pid ", process_.pid())};
  }

  bool alreadyThere(const Record &record) {
    if (record.digest == digestOf(patch_)) return outcome_.kind = OutcomeKind::AlreadyApplied, true;
    return refuse(outcome_, Error{DiagnosticId::NameTaken,
                                  cat("another patch named `", patch_.name, "` is on process ", process_.pid()),
                                  {},
                                  cat("revert it first: lpc revert ", patch_.name, " --pid ", process_.pid())});
  }

  SwitchJob jobOf(const Plan &plan, FoundRecord &made) const {
    SwitchJob job;
    job.record = made.range.begin;
    job.during = RecordState::Switching;
    job.after = RecordState::Applied;
    job.undo = &made.record;
    for (const PlannedPointer &pointer : plan.pointers) // first: once() knows them by their index
      job.guards.push_back({pointer.at, pointer.value, DiagnosticId::ProcessChanged, pointer.line});
    for (const PlannedExpectation &expected : plan.expectations)
      job.guards.push_back({expected.at, expected.bytes, DiagnosticId::ExpectFailed, expected.line});
    for (const PlannedChange &change : plan.changes) {
      if (change.prepared) continue;
      job.settled.push_back(change.exact);
      if (change.exact)
        job.guards.push_back({change.address, change.oldBytes,
                              change.code ? DiagnosticId::BytesDiffer : DiagnosticId::ExpectFailed, change.line});
    }
    job.inactive = guardedBy(plan, [&](const std::string &function) { return allowedActive(function); });
    job.oneStore = plan.oneStore && !options_.alwaysStop &&
                   std::ranges::all_of(plan.functions, [&](const PlannedFunction &f) { return allowedActive(f.name); });
    return job;
  }

  bool allowedActive(const std::string &function) const {
    return std::ranges::any_of(options_.allowActive,
                               [&](const std::string &name) { return name == "*" || name == function; });
  }

  static std::vector<PlaceChange> placesOf(const Plan &plan) {
    std::vector<PlaceChange> places;
    for (const PlannedChange &change : plan.changes)
      if (!change.prepared) places.push_back({change.address, change.newBytes, change.code});
    return places;
  }

  // What runs before the switch: payloads are started, and `on pre-apply` is asked. Each step is in the record before
  // it is begun.
  Result<void> begin(const Plan &plan, FoundRecord &made) {
    if (plan.calls.empty()) return {};
    if (auto ready = session_.prepareCalls(plan.threads); !ready) return ready;
    if (options_.dryRun) {
      outcome_.remarks.emplace_back("functions are not called in a dry run");
      return {};
    }
    for (const Call &call : plan.calls) {
      if (call.stage == CallStage::Start) {
        if (auto noted = noteBegun(made, call.step); !noted) return noted;
        ran_ = true;
        auto result = session_.call(call);
        auto kept = result && call.keptAt ? keep(call, *call.keptAt, *result, plan) : Result<void>();
        if (!result || !kept) {
          (void)noteBegun(made, call.step - 1); // a constructor that failed has no destructor
          return std::unexpected(std::move(result ? kept.error() : result.error()));
        }
      } else if (call.stage == CallStage::PreApply) {
        ran_ = true;
        if (auto result = callFirst(session_, call, outcome_); !result) return result;
      }
    }
    bool later = std::ranges::count(plan.calls, CallStage::PostApply, &Call::stage) != 0;
    return later ? session_.beginCalls() : Result<void>();
  }

  // What a resolver has returned: code of the process or of the patch, or the next call would end the program.
  Result<void> keep(const Call &call, RemoteAddress at, uint64_t function, const Plan &plan) const {
    const runtime::Mapping *mapping = runtime::mappingAt(session_.snapshot().maps, {function});
    bool isCode = mapping && mapping->executable;
    for (const PlannedMemory &memory : plan.memories)
      for (const PlannedSegment &segment : memory.segments)
        isCode |=
            (segment.protection & PROT_EXEC) != 0 && function - (memory.address + segment.offset).value < segment.size;
    if (!isCode)
      return std::unexpected(Error{DiagnosticId::CallFailed,
                                   cat(call.name, " returned ", hexAddress(function), ", which is no code"),
                                   {},
                                   {},
                                   call.place});
    Bytes word;
    appendLittle(word, function, pointerSize(plan.machine));
    return process_.write(at, word);
  }

  Result<void> noteBegun(FoundRecord &made, uint64_t step) const {
    Bytes word;
    appendLittle(word, made.record.begun = step, 8);
    return process_.write(made.range.begin + kBegunOffset, word);
  }

  void callAfterwards(const Plan &plan) {
    for (const Call &call : plan.calls)
      if (call.stage == CallStage::PostApply)
        if (auto result = callAndTell(session_, call, outcome_); !result)
          outcome_.remarks.push_back(result.error().message);
  }

  // Once functions have run, something may point into the memory that was made.
  void withdraw(FoundRecord &made, const std::vector<StackPosition> &stacks) {
    if (!ran_) return takeBack(made);
    made.record.state = RecordState::Reverted;
    finish(made, session_.ending([&](const Call &call) { return session_.call(call); }, stacks), outcome_.remarks);
    session_.endWorker();
    Bytes state;
    appendLittle(state, static_cast<uint64_t>(RecordState::Reverted), 8);
    if (auto written = process_.write(made.range.begin + kStateOffset, state); !written) return;
    std::string why;
    auto released = releaseMemory(made, stacks, process_, session_.agent(), why);
    if (released && *released) return;
    outcome_.remarks.push_back("the memory of the patch is kept: " + (released ? why : released.error().message));
  }

  // Memory that was prepared for nothing. Nobody has ever seen it, so it can go at once.
  void takeBack(const FoundRecord &made) {
    for (const RemoteRange &range : made.memory)
      (void)session_.agent().unmap(range.begin, range.size()); // what stays is repaired by the next command
    (void)session_.agent().unmap(made.range.begin, made.range.size());
  }

  void takeOldBytes(const Record &record) {
    size_t next = 0;
    for (PlannedChange &change : outcome_.changes)
      if (!change.prepared) change.oldBytes = record.changes[next++].oldBytes;
  }

  const ir::Patch &patch_;
  const runtime::Process &process_;
  const PlayOptions &options_;
  Session session_;
  Outcome outcome_;
  bool ran_ = false; // functions have been called
};

} // namespace

Outcome apply(const ir::Patch &patch, const runtime::Process &process, const PlayOptions &options, Snapshot seen) {
  return Application(patch, process, options, std::move(seen)).run();
}

} // namespace lpc::backend
