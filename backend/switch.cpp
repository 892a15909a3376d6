// What happens while the process stands, and the attempts to find the moment for it.
//
//   1. stage      the table of writes goes into the agent's memory              (the process runs)
//   2. stop       blocked threads first, running ones last; each that stands is looked at: it is not where it must not
//   be
//   3. verify     the recorded bytes stand
//   4. undo       the old bytes of data go into the record; only now are they final
//   5. switch     state word, data, code, state word; the agent's player ends it even if we don't
//   6. read back  what was written stands there, or everything is put back
//   7. go         running threads first
//
// So that only this is part of the pause: stopping and looking at the threads that ran, and 3 to 6. An attempt that
// fails at 2 or 3 lets everything go at once and is made again after a pause that grows; where a blocked thread is in
// the way, the running ones are never stopped; one that ran is let run on and looked at again, some times. The first
// attempt has no unwinder: most processes have no suspicious word on any stack, and preparing one costs milliseconds.
// An attempt that needs one lets go, prepares it while the process runs, and comes back.
//
// A change that is one store (store.h) is made without any stop.
#include "backend/switch.h"

#include <poll.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "backend/outcome.h"
#include "ir/support/cat.h"
#include "runtime/stop.h"
#include "runtime/unwind.h"

namespace lpc::backend {
namespace {

using runtime::Clock;
using runtime::monotonicMicroseconds;
using std::chrono::microseconds;

constexpr uint64_t kPage = 4096;
// For all threads to stop, the blocked ones included; --max-pause bounds the time of those that run.
constexpr auto kStopTime = std::chrono::seconds(1);

// A thread in the way runs on for so long at first: it is to be woken, and to get somewhere.
constexpr microseconds kMoment{10};
// Of one stop.
constexpr microseconds kMostChances{2000};

// Reads many places with few system calls: places of the same or the next page are read as one range.
class PlaceReader {
public:
  explicit PlaceReader(const std::vector<RemoteRange> &places) {
    std::vector<RemoteRange> sorted = places;
    std::ranges::sort(sorted);
    for (const RemoteRange &place : sorted) {
      if (!runs_.empty() && place.begin.value / kPage <= (runs_.back().range.end.value - 1) / kPage + 1)
        runs_.back().range.end = std::max(runs_.back().range.end, place.end);
      else
        runs_.push_back({place, {}});
    }
    for (Run &run : runs_)
      run.bytes.resize(run.range.size());
  }

  // One call a run: process_vm_readv, which could do all in one, was measured to take twice as long for three.
  Result<void> read(const runtime::Process &process) {
    for (Run &run : runs_)
      if (auto done = process.read(run.range.begin, std::span(run.bytes)); !done) return done;
    return {};
  }
  [[nodiscard]] BytesView at(RemoteAddress address, uint64_t size) const {
    auto after = std::ranges::upper_bound(runs_, address, {}, [](const Run &run) { return run.range.begin; });
    const Run &run = *std::prev(after);
    return BytesView(run.bytes).subspan(address - run.range.begin, size);
  }

private:
  struct Run {
    RemoteRange range;
    Bytes bytes;
  };
  std::vector<Run> runs_;
};

RemoteRange rangeOf(RemoteAddress at, const Bytes &bytes) { return {at, at + bytes.size()}; }

// One attempt's end: done, or why not.
enum class Attempt : uint8_t { Done, Again, NeedsUnwinder, Failed };

class Switcher {
public:
  Switcher(SwitchJob &job, const runtime::Process &process, const Snapshot &snapshot, runtime::Agent &agent,
           const PlayOptions &options, Outcome &outcome)
      : job_(job), process_(process), snapshot_(snapshot), agent_(agent), options_(options), outcome_(outcome),
        activity_(process, snapshot.maps, watched(job, agent)), guards_(placesOf(job)), written_(writesOf(job)) {}

  SwitchResult run() {
    SwitchResult result = attempts();
    (void)agent_.standDown(); // fails only where the player is gone
    result.stacks = std::move(stacks_);
    return result;
  }

private:
  SwitchResult attempts() {
    auto state = process_.read(job_.record + kStateOffset, 8);
    if (!state) return refused(std::move(state.error()));
    stateBefore_ = std::move(*state);
    if (job_.oneStore && !options_.dryRun) return storeOnce();
    auto deadline = Clock::now() + options_.timeout;
    if (auto staged = stage(); !staged) return refused(std::move(staged.error()));
    layOutPieces();
    for (;;) {
      Attempt attempt = once(deadline);
      if (attempt == Attempt::Done || attempt == Attempt::Failed) return std::move(result_);
      if (attempt == Attempt::NeedsUnwinder) {
        auto unwinder = runtime::Unwinder::prepare(process_, snapshot_.maps, snapshot_.modules);
        if (!unwinder) return refused(std::move(unwinder.error()));
        unwinder_.emplace(std::move(*unwinder));
        continue;
      }
      if (Clock::now() + rest_ >= deadline || (options_.giveUp && options_.giveUp())) return std::move(result_);
      waitFor(rest_);
      if (process_.ended()) return gone();
      rest_ = std::min(rest_ * 2, microseconds(100'000));
    }
  }

  // A player that an lpc left behind when it was killed would still play; its threads run this program and nobody else.
  static std::vector<GuardedCode> watched(const SwitchJob &job, const runtime::Agent &agent) {
    std::vector<GuardedCode> code = job.inactive;
    code.push_back({"the player of an earlier lpc", agent.program(), false, false, false});
    return code;
  }

  // What verify() reads, at once: the guarded bytes, those whose old value is wanted, and all that a failure would put
  // back.
  static std::vector<RemoteRange> placesOf(const SwitchJob &job) {
    std::vector<RemoteRange> places = writesOf(job);
    for (const Guard &guard : job.guards)
      places.push_back(rangeOf(guard.at, guard.bytes));
    if (job.undo)
      for (const RecordedChange &change : job.undo->changes)
        places.push_back(rangeOf(change.address, change.newBytes));
    return places;
  }
  static std::vector<RemoteRange> writesOf(const SwitchJob &job) {
    std::vector<RemoteRange> places;
    for (const runtime::PlayedWrite &write : job.writes)
      places.push_back(rangeOf(write.to, write.bytes));
    return places;
  }

  Result<void> stage() {
    std::vector<runtime::PlayedWrite> writes{{job_.record + kStateOffset, stateBytes(job_.during)}};
    writes.insert(writes.end(), job_.writes.begin(), job_.writes.end());
    return agent_.stage(writes, job_.record + kStateOffset, static_cast<uint64_t>(job_.after),
                        static_cast<uint64_t>(job_.during));
  }

  // The switch of a job that needs no stop. Each of the three writes is a store of one word: killed between them, we
  // leave what the next command repairs.
  SwitchResult storeOnce() {
    double begin = monotonicMicroseconds();
    if (verify() != Attempt::Done) return std::move(result_);
    if (auto undo = recordUndo(); !undo) return refused(std::move(undo.error()));
    auto store = [&](RemoteAddress at, const Bytes &bytes) { return process_.write(at, bytes); };
    auto done = store(job_.record + kStateOffset, stateBytes(job_.during));
    for (const runtime::PlayedWrite &write : job_.writes)
      if (done) done = store(write.to, write.bytes);
    if (done && job_.codeWrites > 0) done = readBack(); // data may have been changed by the program since
    if (done) done = store(job_.record + kStateOffset, stateBytes(job_.after));
    if (!done) {
      putBack(std::move(done.error()));
      return std::move(result_);
    }
    addPhase(outcome_, "switch", monotonicMicroseconds() - begin);
    return {OutcomeKind::Applied, {}, {}};
  }

  // Sleeps, but not beyond the end of the process.
  void waitFor(microseconds pause) const {
    pollfd ended{process_.pidfd(), POLLIN, 0};
    poll(&ended, 1, static_cast<int>(std::max<long>(pause.count() / 1000, 1)));
  }

  Attempt once(Clock::time_point deadline) {
    double begin = monotonicMicroseconds();
    runtime::MemorySharers *sharers = snapshot_.sharers.get();
    if (sharers)
      if (auto alone = sharers->catchUp(); !alone) return cannotStop(std::move(alone.error()));
    auto tracees = runtime::Tracees::seize(process_, agent_.threads(), deadline);
    if (!tracees) return failed(std::move(tracees.error()));
    outcome_.stops++;
    active_.reset();
    auto stopped = tracees->stop(std::min(deadline, Clock::now() + kStopTime), options_.maxPause,
                                 [&](auto threads) { return inactive(*tracees, threads); });
    if (stopped && sharers) stopped = sharers->noneBorn();
    double afterStop = monotonicMicroseconds();
    Attempt attempt = stopped ? verify() : active_ ? inTheWay() : cannotStop(std::move(stopped.error()));
    double afterVerify = monotonicMicroseconds();
    if (attempt == Attempt::Done && !options_.dryRun) {
      double since = afterVerify - tracees->times().firstRunningInterrupt;
      if (since > static_cast<double>(options_.maxPause.count()))
        attempt = tooSlow(since);
      else
        attempt = switchOver();
    } else if (attempt == Attempt::Done) {
      result_ = {OutcomeKind::DryRun, {}, {}};
    }
    double afterSwitch = monotonicMicroseconds();
    tracees->detach();
    const runtime::Tracees::Times &times = tracees->times();
    outcome_.pauseMicroseconds = times.lastRunningReleased - times.firstRunningInterrupt;
    outcome_.windowMicroseconds = times.lastReleased - times.firstInterrupt;
    if (stopped) {
      stacks_.clear();
      for (const runtime::StoppedThread &thread : tracees->threads())
        stacks_.push_back({thread.registers.stackPointer(), thread.registers.threadPointer()});
    }
    addPhase(outcome_, "stop", afterStop - begin);
    addPhase(outcome_, "verify", afterVerify - afterStop);
    addPhase(outcome_, "switch", afterSwitch - afterVerify);
    addPhase(outcome_, "release", monotonicMicroseconds() - afterSwitch);
    return attempt;
  }

  // A thread that can't be stopped may be stoppable a moment later; a process that is gone will not come back.
  Attempt cannotStop(Error error) {
    bool passing = error.id == DiagnosticId::CannotStop || error.id == DiagnosticId::PendingVfork;
    if (passing && outcome_.busyThread) return Attempt::Again; // a thread in the way says more
    failed(std::move(error));
    if (passing) result_.kind = OutcomeKind::Busy;
    return passing ? Attempt::Again : Attempt::Failed;
  }

  Attempt tooSlow(double since) {
    result_ = {OutcomeKind::Busy,
               Error{DiagnosticId::ProcessBusy,
                     cat("stopping and verifying process ", process_.pid(), " takes longer than --max-pause allows (",
                         static_cast<int64_t>(since), " µs so far)"),
                     {},
                     "give a longer --max-pause"},
               {}};
    return Attempt::Again;
  }

  // A thread that ran is in the way by chance, and chances multiply: of many threads that call a function all the time,
  // nearly always one is inside. So each gets chances of its own: it runs on for a moment, while the others stand.
  Result<void> inactive(runtime::Tracees &tracees, std::span<const runtime::StoppedThread *const> threads) {
    Clock::time_point patience{};
    auto moment = kMoment;
    for (pid_t last = 0;;) {
      active_ = activity_.findAny(threads, unwinder_ ? &*unwinder_ : nullptr);
      if (!active_) return {};
      auto found = std::ranges::find(threads, active_->tid, &runtime::StoppedThread::tid);
      if (patience == Clock::time_point{}) patience = Clock::now() + timeForChances();
      if (!active_->proven || !(*found)->running || Clock::now() + moment >= patience) break;
      moment = std::exchange(last, active_->tid) == active_->tid ? moment * 2 : kMoment;
      auto stands = tracees.runOn(**found, moment);
      if (!stands) return std::unexpected(std::move(stands.error()));
      threads = threads.subspan(static_cast<size_t>(found - threads.begin()) + (*stands ? 0 : 1));
    }
    return fail(DiagnosticId::ProcessBusy, "a thread is in the way");
  }
  // More where attempts are rare: at most a quarter of the time is spent so.
  [[nodiscard]] microseconds timeForChances() const {
    return std::min({rest_ / 4, kMostChances, options_.maxPause / 2});
  }
  Attempt inTheWay() { return active_->proven ? busy(*active_) : Attempt::NeedsUnwinder; }

  Attempt verify() {
    if (auto read = guards_.read(process_); !read) return failed(std::move(read.error()));
    for (size_t i = 0; i < job_.guards.size(); i++) {
      const Guard &guard = job_.guards[i];
      BytesView found = guards_.at(guard.at, guard.bytes.size());
      if (!std::ranges::equal(found, guard.bytes)) return guardFailed(i, found);
    }
    return Attempt::Done;
  }

  Attempt guardFailed(size_t index, BytesView found) {
    const Guard &guard = job_.guards[index];
    Note note{cat("at ", hexAddress(guard.at), ":")};
    note.lines = {"expected  " + toSpacedHex(guard.bytes), "process   " + toSpacedHex(found)};
    Error error{guard.otherwise, cat("process ", process_.pid(), " does not have the expected bytes"), {note}};
    if (guard.line) error.place = {guard.line, 1, guard.line, 2};
    failed(std::move(error));
    result_.failedGuard = index;
    return Attempt::Failed;
  }

  Attempt busy(const Active &active) {
    outcome_.busyThread = active.tid;
    outcome_.busyThreadName = runtime::threadName(process_.pid(), active.tid);
    outcome_.busyFunction = active.function;
    outcome_.busyFrame = active.frame;
    Error error{DiagnosticId::ProcessBusy,
                cat("thread ", active.tid, " (", outcome_.busyThreadName, ") of process ", process_.pid(), " ",
                    active.frame == 0 ? cat("executes `", active.function, "`")
                                      : cat("is ", active.frame, " frames inside `", active.function, "`"))};
    error.help = job_.undo ? "try again later, with a longer --timeout, or allow it with --allow-active if you know it "
                             "to be harmless"
                           : "try again later, or with a longer --timeout"; // apply alone can be told to go on
    result_ = {OutcomeKind::Busy, std::move(error), {}};
    return Attempt::Again;
  }

  // Old bytes of data are final only now. The record gets them before the first byte changes.
  Result<void> recordUndo() {
    if (!job_.undo) return {};
    bool changed = false;
    for (size_t i = 0; i < job_.undo->changes.size(); i++) {
      RecordedChange &change = job_.undo->changes[i];
      if (job_.settled[i]) continue;
      BytesView found = guards_.at(change.address, change.oldBytes.size());
      if (std::ranges::equal(found, change.oldBytes)) continue;
      change.oldBytes.assign(found.begin(), found.end());
      changed = true;
    }
    if (!changed) return {};
    return process_.write(job_.record + undoOffset(*job_.undo), undoBytes(*job_.undo));
  }

  Attempt switchOver() {
    if (auto undo = recordUndo(); !undo) return failed(std::move(undo.error()));
    fillPieces();
    auto played = agent_.commit(pieces_, Clock::now() + std::chrono::seconds(2));
    if (played) played = readBack();
    if (played) {
      result_ = {OutcomeKind::Applied, {}, {}};
      return Attempt::Done;
    }
    return putBack(std::move(played.error()));
  }

  // What is staged, in as few writes as may be: code that lies on the same pages is one, with what stands in between
  // (which nobody changes now). Data never is: a device or another process may share its page. Laid out while the
  // process runs, filled while it stands.
  void layOutPieces() {
    pieces_ = {{job_.record + kStateOffset, stateBytes(job_.during)}};
    for (const runtime::PlayedWrite &write : dataWrites())
      pieces_.push_back(write);
    size_t first = pieces_.size();
    for (const runtime::PlayedWrite &write : codeWrites()) {
      runtime::PlayedWrite &last = pieces_.back();
      uint64_t end = write.to.value + write.bytes.size();
      if (pieces_.size() == first || write.to.value / kPage > (last.to.value + last.bytes.size() - 1) / kPage + 1)
        pieces_.push_back(write);
      else
        last.bytes.resize(end - last.to.value);
    }
  }
  void fillPieces() {
    auto piece = pieces_.end();
    for (const runtime::PlayedWrite &write : codeWrites() | std::views::reverse) {
      if (piece == pieces_.end() || write.to < piece->to) {
        --piece;
        std::ranges::copy(guards_.at(piece->to, piece->bytes.size()), piece->bytes.begin());
      }
      std::ranges::copy(write.bytes, piece->bytes.begin() + static_cast<std::ptrdiff_t>(write.to - piece->to));
    }
  }
  [[nodiscard]] std::span<const runtime::PlayedWrite> codeWrites() const {
    return std::span(job_.writes).last(job_.codeWrites);
  }
  [[nodiscard]] std::span<const runtime::PlayedWrite> dataWrites() const {
    return std::span(job_.writes).first(job_.writes.size() - job_.codeWrites);
  }

  static Bytes stateBytes(RecordState state) {
    Bytes bytes;
    appendLittle(bytes, static_cast<uint64_t>(state), 8);
    return bytes;
  }

  Result<void> readBack() {
    if (auto read = written_.read(process_); !read) return read;
    for (const runtime::PlayedWrite &write : job_.writes)
      if (!std::ranges::equal(written_.at(write.to, write.bytes.size()), write.bytes))
        return fail(DiagnosticId::VerifyFailed,
                    cat("the process does not have what was written at ", hexAddress(write.to)));
    return {};
  }

  // Is the process on its way out? A killed process is still there for some moments, and takes writes that nobody will
  // see.
  bool dying(const Error &why) const {
    if (why.id != DiagnosticId::ProcessGone) return process_.ended();
    for (auto deadline = Clock::now() + std::chrono::milliseconds(200); Clock::now() < deadline;) {
      char state = runtime::threadState(process_.pid(), process_.pid());
      if (process_.ended() || state == 'Z' || state == 'X') return true;
      pollfd ended{process_.pidfd(), POLLIN, 0};
      poll(&ended, 1, 1);
    }
    return false;
  }

  Attempt putBack(Error why) {
    failed(std::move(why));
    if (result_.kind == OutcomeKind::Gone) return Attempt::Failed;
    (void)agent_.standDown();
    // If we are killed in between, the next command must see that something is unfinished.
    (void)process_.write(job_.record + kStateOffset,
                         stateBytes(job_.during)); // what stands there is put back and looked at below
    for (auto write = job_.writes.rbegin(); write != job_.writes.rend(); ++write)
      if (!process_.write(write->to, guards_.at(write->to, write->bytes.size()))) {
        result_.kind = process_.ended() ? OutcomeKind::Gone : OutcomeKind::Uncertain;
        return Attempt::Failed;
      }
    bool marked = process_.write(job_.record + kStateOffset, stateBefore_).has_value();
    result_.kind = marked ? OutcomeKind::RolledBack : OutcomeKind::Uncertain;
    return Attempt::Failed;
  }

  Attempt failed(Error error) {
    result_ = {dying(error) ? OutcomeKind::Gone : OutcomeKind::Refused, std::move(error), {}};
    return Attempt::Failed;
  }
  SwitchResult refused(Error error) {
    failed(std::move(error));
    return std::move(result_);
  }
  SwitchResult gone() {
    return refused(
        Error{DiagnosticId::ProcessGone, cat("process ", process_.pid(), " ended while lpc was working on it")});
  }

  SwitchJob &job_;
  const runtime::Process &process_;
  const Snapshot &snapshot_;
  runtime::Agent &agent_;
  const PlayOptions &options_;
  Outcome &outcome_;
  ActivityCheck activity_;
  PlaceReader guards_, written_;
  std::optional<runtime::Unwinder> unwinder_;
  std::vector<runtime::PlayedWrite> pieces_;
  std::optional<Active> active_; // why the last stop was given up
  microseconds rest_{1000};      // before the next attempt
  SwitchResult result_;
  Bytes stateBefore_; // the state word, before anything is written
  std::vector<StackPosition> stacks_;
};

} // namespace

SwitchResult runSwitch(SwitchJob &job, const runtime::Process &process, const Snapshot &snapshot, runtime::Agent &agent,
                       const PlayOptions &options, Outcome &outcome) {
  return Switcher(job, process, snapshot, agent, options, outcome).run();
}

} // namespace lpc::backend
