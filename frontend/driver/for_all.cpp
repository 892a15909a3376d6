// Looking is done here, one process after the other; the work on each is done in a process of its own (side_by_side.h),
// so that one that has to be waited for, or a crash, costs the others nothing. A worker inherits what the look opened:
// from the look to the end it is the same process, whatever becomes of its id.
//
// A process that is forked before its parent is patched is not patched, and may have an id that was passed already. So
// passes over /proc are made until one that began with nobody at work finds nobody to work on; children that were
// forked later have the patch from their parents.
//
// Rejected: freezing everybody first (cgroup freezer: pauses of milliseconds); following forks (PTRACE_O_TRACEFORK:
// every process would be traced all the time).
#include "frontend/driver/for_all.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <thread>

#include "frontend/driver/progress.h"
#include "ir/support/cat.h"
#include "runtime/outline.h"
#include "runtime/process_list.h"

namespace lpc::driver {
namespace {

using std::chrono::milliseconds;
constexpr unsigned kMostPasses = 16;
constexpr unsigned kMostForMoving = 4; // a process can be on the move for ever
constexpr milliseconds kBlink{200};    // between two looks at the clock

struct Identity {
  pid_t pid = 0;
  uint64_t start = 0;
  auto operator<=>(const Identity &) const = default;
};

class Everybody {
public:
  explicit Everybody(const ForAll &task) : task_(task), workers_(limits()), progress_(task.command) {}

  Crowd run() {
    for (unsigned pass = 0;; pass++) {
      bool idle = workers_.running() == 0;
      Found found = lookAround(pass + 1 < kMostForMoving);
      settle();
      bool more = std::ranges::any_of(found.begun, [this](const Identity &who) { return wasNew(who); });
      if (found.moving && pass < kMostForMoving) more = true;
      if (cancelled() || (!more && idle)) break;
      if (pass + 1 == kMostPasses) {
        crowd_.stillComing = more;
        break;
      }
      if (!more) finish();
    }
    finish();
    rows_.merge(changed_);
    for (auto &[who, row] : rows_)
      crowd_.rows.push_back(std::move(row));
    return std::move(crowd_);
  }

private:
  struct Found {
    std::vector<Identity> begun;
    bool moving = false;
  };

  static runtime::SideBySide::Limits limits() { return {.busy = std::max(2U, std::thread::hardware_concurrency())}; }

  // `again`: there will be another look at who is on the move, or in the hands of another lpc.
  Found lookAround(bool again) {
    Found found;
    size_t hidden = 0;
    for (pid_t pid : runtime::processIds()) {
      auto start = runtime::startTimeOf(pid);
      if (!start || pid == getpid() || workers_.isOurs(pid) || known({pid, *start})) continue;
      Sight sight = task_.look(pid);
      switch (sight.kind) {
      case Sight::Kind::Other: break;
      case Sight::Kind::Hidden: hidden++; break;
      case Sight::Kind::Moving: found.moving = true; break;
      case Sight::Kind::Refused:
        if (again && sight.why->id == DiagnosticId::AlreadyTraced)
          found.moving = true;
        else
          rows_[{pid, *start}] = rowFor(pid, untouched(pid, std::move(*sight.why)));
        break;
      case Sight::Kind::Wanted: begin(std::move(*sight.live), found); break;
      }
    }
    crowd_.hidden = hidden;
    return found;
  }

  void begin(LiveProcess live, Found &found) {
    while (!workers_.room() && !cancelled())
      collect();
    Identity who{live.process.pid(), live.process.startTime()};
    if (known(who)) return;
    if (cancelled()) {
      Row &row = rows_[who] = rowFor(who.pid, leftOut(who.pid), live.process.executable());
      row.failure.clear(); // the table says all there is to say
      return;
    }
    if (task_.before) task_.before(live);
    auto work = [&](const runtime::SideBySide::Waits &waits) -> std::string {
      Answer answer = task_.work(std::move(live), waits);
      std::string out = packed(answer.row);
      pack(out, {reinterpret_cast<const char *>(answer.learned.data()), answer.learned.size()});
      return out;
    };
    for (;;) {
      auto started = workers_.start(next_, work);
      if (started) break;
      if (workers_.running() == 0) {
        rows_[who] = rowFor(who.pid, untouched(who.pid, std::move(started.error())), live.process.executable());
        return;
      }
      collect();
    }
    atWork_[next_++] = {who, live.process.executable()};
    found.begun.push_back(who);
    progress_.show(rows_.size(), workers_, pidOfEldest());
  }

  // Until those that are at work have ended, or have been at it for so long that they wait for something.
  void settle() {
    while (workers_.busy() > 0)
      collect();
  }
  void finish() {
    while (workers_.running() > 0)
      collect();
    progress_.clear();
  }

  void collect() {
    if (cancelled()) workers_.hurry();
    // A signal that has come once is not waited for again: the descriptor would wake us for ever.
    for (runtime::SideBySide::Ended &ended : workers_.wait(kBlink, cancelled() ? -1 : requests_.descriptor()))
      take(ended);
    if (cancelled()) workers_.hurry();
    progress_.show(rows_.size(), workers_, pidOfEldest());
  }

  void take(runtime::SideBySide::Ended &ended) {
    auto [who, program] = std::move(atWork_.extract(ended.key).mapped());
    std::optional<Row> row;
    std::optional<std::string> learned;
    if (ended.answer) {
      std::string_view text = *ended.answer;
      row = unpackRow(text);
      if (row) learned = unpack(text);
    }
    if (!learned) {
      rows_[who] =
          rowFor(who.pid, lost(who.pid, ended.answer ? "gave no answer that makes sense" : ended.death), program);
      return;
    }
    // It has executed a program meanwhile, perhaps this one anew: the next pass will see.
    bool changed = row->reason == info(DiagnosticId::ProcessChanged).text;
    (changed ? changed_ : rows_)[who] = std::move(*row);
    if (task_.learn && !learned->empty()) {
      BytesView bytes = asBytes(*learned);
      task_.learn(who.pid, Bytes(bytes.begin(), bytes.end()));
    }
  }

  bool known(const Identity &who) {
    return rows_.contains(who) || std::ranges::any_of(atWork_, [&](const auto &one) { return one.second.who == who; });
  }

  // Without the patch until now (or with it, where it was to be taken back), so that there may be children like it.
  bool wasNew(const Identity &who) {
    auto row = rows_.find(who);
    return row == rows_.end() || (row->second.kind != backend::OutcomeKind::AlreadyApplied &&
                                  row->second.kind != backend::OutcomeKind::NotApplied);
  }

  bool cancelled() { return crowd_.cancelled = crowd_.cancelled || requests_.come(); }
  pid_t pidOfEldest() { return workers_.running() == 0 ? 0 : atWork_.at(workers_.eldest().first).who.pid; }

  Row rowFor(pid_t pid, const backend::Outcome &outcome, std::string program = {}) {
    if (program.empty()) program = runtime::callsItself(pid);
    return rowOf(task_.command, pid, program, outcome, SourceText(task_.command, ""));
  }
  static backend::Outcome leftOut(pid_t pid) {
    backend::Outcome outcome = untouched(
        pid, {.id = DiagnosticId::Cancelled, .message = cat("lpc was told to end before the turn of process ", pid)});
    outcome.kind = backend::OutcomeKind::NotApplied;
    return outcome;
  }
  static backend::Outcome lost(pid_t pid, const std::string &death) {
    backend::Outcome outcome;
    outcome.kind = backend::OutcomeKind::Uncertain;
    outcome.reason = Error{.id = DiagnosticId::WorkerLost, .message = cat("the worker of process ", pid, " ", death)};
    outcome.state = cat("process ", pid, " runs on; `lpc status --pid ", pid,
                        "` shows what is on it, and the next apply or revert puts it in order first");
    return outcome;
  }

  struct AtWork {
    Identity who;
    std::string program;
  };

  const ForAll &task_;
  runtime::EndRequests requests_; // before the workers begin, who inherit that these signals wait
  runtime::SideBySide workers_;
  Progress progress_;
  uint64_t next_ = 0;
  std::map<uint64_t, AtWork> atWork_; // by the key of the work
  std::map<Identity, Row> rows_;
  std::map<Identity, Row> changed_; // counts for those that are in no other row
  Crowd crowd_;
};

} // namespace

Crowd doForAll(const ForAll &task) { return Everybody(task).run(); }

} // namespace lpc::driver
