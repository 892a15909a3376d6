// After the old bytes are back, no new pointer can come from the program's own code. First all writable memory is read
// while the process runs (without stacks, which are full of old addresses that go as soon as their threads go on), then
// registers and the live parts of the stacks while it stands; that is tried again for a second. A pointer that wanders
// from unread memory through a register into memory already read, and leaves no other copy, would escape; it must do so
// between two reads of a few milliseconds, and has not been seen to. Handlers of signals are known to the kernel alone,
// and are asked for.
#include "backend/pointers.h"

#include <algorithm>

#include "backend/function_starts.h"
#include "ir/support/cat.h"
#include "runtime/resident.h"
#include "runtime/signal_handlers.h"
#include "runtime/sleeper.h"
#include "runtime/word_scan.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kLargestStack = 8 << 20; // the usual limit; of a larger one the far part is read like any memory

// What belongs to the stack of a thread that is on its own one (that which holds its control block, or [stack]): below
// its stack pointer is what its calls have left, and from there to the end of the mapping it is looked at while the
// process stands.
std::optional<RemoteRange> stackIn(const runtime::Mapping &mapping, const StackPosition &stack) {
  if (!mapping.range.contains(stack.pointer)) return std::nullopt;
  if (mapping.path != "[stack]" && !mapping.range.contains(stack.threadPointer)) return std::nullopt;
  uint64_t depth = std::min(stack.pointer - mapping.range.begin, kLargestStack);
  return RemoteRange{stack.pointer - depth, mapping.range.end};
}

// Without a stop that went so far: of the threads that sleep, as the kernel tells. What they leave below does not move.
std::vector<StackPosition> sleepersStacks(const runtime::Process &process) {
  std::vector<StackPosition> stacks;
  for (pid_t tid : runtime::threadIds(process.pid()).value_or(std::vector<pid_t>{}))
    if (auto sleeper = runtime::sleeperAt(process, tid).value_or(std::nullopt))
      stacks.push_back({sleeper->thread.registers.stackPointer(), sleeper->thread.registers.threadPointer()});
  return stacks;
}

// What is to be read of a mapping: its resident pages without stacks.
std::vector<RemoteRange> livingParts(const runtime::Mapping &mapping, const std::vector<StackPosition> &stacks,
                                     const runtime::Process &process) {
  std::vector<RemoteRange> parts = runtime::residentRanges(process, mapping.range);
  for (const StackPosition &stack : stacks) {
    auto whole = stackIn(mapping, stack);
    if (!whole) continue;
    std::vector<RemoteRange> rest;
    for (const RemoteRange &part : parts)
      if (part.begin < whole->begin) rest.push_back({part.begin, std::min(part.end, whole->begin)});
    parts = std::move(rest);
  }
  return parts;
}

bool isIn(const std::vector<RemoteRange> &ranges, RemoteAddress at) {
  return std::ranges::any_of(ranges, [&](const RemoteRange &range) { return range.contains(at); });
}

// A word of the program's writable memory that points there: where it stands.
std::optional<RemoteAddress> heapPointer(const SoughtMemory &sought, const runtime::Process &process,
                                         const std::vector<runtime::Mapping> &maps,
                                         const std::vector<StackPosition> &stacks) {
  RemoteRange hull{sought.ranges.front().begin, sought.ranges.back().end};
  RemoteAddress at; // of the word that is visited
  auto pointsInto = [&](uint64_t word) {
    RemoteAddress here = at;
    at = at + 8;
    return hull.contains({word}) && isIn(sought.ranges, {word}) && !isIn(sought.ignored, here) &&
           !(sought.isDead && sought.isDead(word, here));
  };
  std::vector<uint64_t> buffer(1 << 13); // 64 KiB a read
  for (const runtime::Mapping &mapping : maps) {
    bool own = isIn(sought.ranges, mapping.range.begin) || isIn(sought.ignored, mapping.range.begin);
    if (!mapping.writable || !mapping.readable || own) continue;
    // A part that can't be read (a device) can't be searched; one that vanished meanwhile points nowhere.
    for (const RemoteRange &part : livingParts(mapping, stacks, process)) {
      at = {(part.begin.value + 7) & ~uint64_t{7}};
      if (runtime::scanWords(process, part.begin, part.end, buffer, pointsInto).value_or(false))
        return RemoteAddress{at.value - 8};
    }
  }
  return std::nullopt;
}

// Stops once and looks at registers and stacks.
Result<bool> stacksClean(const SoughtMemory &sought, const FoundRecord &record, const runtime::Process &process,
                         const Snapshot &snapshot, runtime::Agent &agent, std::string &why) {
  std::vector<RemoteRange> images = sought.ranges; // or parts of them, where their headers are not sought
  images.insert(images.end(), sought.ignored.begin(), sought.ignored.end());
  std::vector<RemoteAddress> starts = functionStarts(process, snapshot.maps, images);
  for (const RecordedCode &code : record.record.code)
    starts.push_back(code.range.begin);
  std::ranges::sort(starts);
  SwitchJob job;
  job.record = record.range.begin;
  job.during = job.after = record.record.state;
  for (const RemoteRange &range : sought.ranges)
    job.inactive.push_back(
        {.name = sought.name, .range = range, .startIsSafe = false, .pointers = true, .starts = starts});
  PlayOptions options;
  options.timeout = std::chrono::seconds(1);
  options.dryRun = true;
  Outcome ignored;
  SwitchResult result = runSwitch(job, process, snapshot, agent, options, ignored);
  if (result.kind == OutcomeKind::DryRun) return true;
  if (result.kind != OutcomeKind::Busy) return std::unexpected(std::move(*result.reason));
  why = ignored.busyThread ? cat("thread ", ignored.busyThread, " (", ignored.busyThreadName, ") points into it")
                           : result.reason->message;
  return false;
}

} // namespace

Result<bool> isPointedAtByNobody(const SoughtMemory &sought, const FoundRecord &record,
                                 const std::vector<StackPosition> &stacks, const runtime::Process &process,
                                 const Snapshot &snapshot, runtime::Agent &agent, std::string &why) {
  if (auto done = agent.unstage(); !done) return std::unexpected(std::move(done.error())); // it has addresses
  if (auto pointer = heapPointer(sought, process, snapshot.maps, stacks.empty() ? sleepersStacks(process) : stacks)) {
    why = cat("the memory at ", hexAddress(*pointer), " points into it");
    return false;
  }
  auto handlers = runtime::signalHandlers(process, agent);
  if (!handlers) return std::unexpected(std::move(handlers.error()));
  for (const runtime::SignalHandler &handler : *handlers)
    if (isIn(sought.ranges, handler.function)) {
      why = cat("the program's handler of ", handler.name, " is in it");
      return false;
    }
  return stacksClean(sought, record, process, snapshot, agent, why);
}

} // namespace lpc::backend
