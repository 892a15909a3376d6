// Is memory still in use? The program may have copied pointers into it: of a string that a `set` had put into a
// variable, of a callback that the payload registered. Unmapping too early crashes the program later (the fate of other
// systems); keeping too long costs memory. So: look everywhere, and keep when in doubt.
//
// After the old bytes are back, no new pointer can come from the program's own code. First all writable memory is read
// while the process runs (stacks are left out: their dead parts are full of old addresses), then registers and the live
// parts of the stacks while it stands. A pointer that wanders from unread memory through a register into memory already
// read, and leaves no other copy, would escape; it must do so between two reads of a few milliseconds, and has not been
// seen to. Handlers of signals are known to the kernel alone, and are asked for.
#include "backend/release.h"

#include <algorithm>

#include "backend/switch.h"
#include "ir/support/cat.h"
#include "runtime/resident.h"
#include "runtime/signal_handlers.h"
#include "runtime/word_scan.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kLargestStack = 8 << 20; // the usual limit; of a larger one the far part is read like any memory

// Below the stack pointer of a thread that is on its own stack (the one that holds its control block, or [stack]) there
// is nothing but what its calls have left.
std::optional<RemoteRange> deadPart(const runtime::Mapping &mapping, const StackPosition &stack) {
  if (!mapping.range.contains(stack.pointer)) return std::nullopt;
  if (mapping.path != "[stack]" && !mapping.range.contains(stack.threadPointer)) return std::nullopt;
  uint64_t depth = std::min(stack.pointer - mapping.range.begin, kLargestStack);
  return RemoteRange{stack.pointer - depth, stack.pointer};
}

// What is to be read of a mapping: its resident pages without dead parts of stacks.
std::vector<RemoteRange> livingParts(const runtime::Mapping &mapping, const std::vector<StackPosition> &stacks,
                                     const runtime::Process &process) {
  std::vector<RemoteRange> parts = runtime::residentRanges(process, mapping.range);
  for (const StackPosition &stack : stacks) {
    auto dead = deadPart(mapping, stack);
    if (!dead) continue;
    std::vector<RemoteRange> rest;
    for (const RemoteRange &part : parts) {
      if (part.begin < dead->begin) rest.push_back({part.begin, std::min(part.end, dead->begin)});
      if (part.end > dead->end) rest.push_back({std::max(part.begin, dead->end), part.end});
    }
    parts = std::move(rest);
  }
  return parts;
}

// Pointers that stay behind where the C library and the unwinder had them, and that nobody follows any more:
//   - to frames: an unwinder's lists of them are given back to the allocator when they are no longer registered;
//   - in a list of functions for the end (glibc, struct exit_function: state, function, argument, handle), whose entry
//     is free (state 0) once __cxa_finalize has called it.
class DeadPointers {
public:
  DeadPointers(const Record &record, const runtime::Process &process) : record_(record), process_(process) {}

  [[nodiscard]] bool isDead(uint64_t word, RemoteAddress at) const {
    if (std::ranges::any_of(record_.frames, [&](const RemoteRange &range) { return range.contains({word}); }))
      return true;
    if (record_.exitHandles.empty() || at.value < 24) return false;
    if (isHandle(word)) return isFree({at.value - 24});
    return isHandle(process_.readWord(at + 8).value_or(0)) && isFree({at.value - 16});
  }

private:
  [[nodiscard]] bool isHandle(uint64_t word) const {
    return std::ranges::find(record_.exitHandles, RemoteAddress{word}) != record_.exitHandles.end();
  }
  [[nodiscard]] bool isFree(RemoteAddress entry) const { return process_.readWord(entry).value_or(1) == 0; }

  const Record &record_;
  const runtime::Process &process_;
};

// A word of the program's writable memory that points into the patch: the range in which it stands.
std::optional<RemoteAddress> heapPointer(const FoundRecord &found, const runtime::Process &process,
                                         const std::vector<runtime::Mapping> &maps,
                                         const std::vector<StackPosition> &stacks) {
  RemoteRange hull{found.memory.front().begin, found.memory.back().end};
  DeadPointers dead(found.record, process);
  RemoteAddress at; // of the word that is visited
  auto pointsInto = [&](uint64_t word) {
    RemoteAddress here = at;
    at = at + 8;
    return hull.contains({word}) &&
           std::ranges::any_of(found.memory, [&](const RemoteRange &range) { return range.contains({word}); }) &&
           !dead.isDead(word, here);
  };
  std::vector<uint64_t> buffer(1 << 13); // 64 KiB a read
  for (const runtime::Mapping &mapping : maps) {
    bool own = mapping.range == found.range || std::ranges::find(found.memory, mapping.range) != found.memory.end();
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

// Stops once and looks at registers and stacks; false when something points into the patch.
Result<bool> stacksClean(const FoundRecord &found, const runtime::Process &process, const Snapshot &snapshot,
                         runtime::Agent &agent, std::string &why) {
  SwitchJob job;
  job.record = found.range.begin;
  job.during = job.after = found.record.state;
  for (const RemoteRange &range : found.memory)
    job.inactive.push_back({found.record.name, range, false, true});
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

Result<bool> releaseMemory(const FoundRecord &found, const std::vector<StackPosition> &stacks,
                           const runtime::Process &process, runtime::Agent &agent, std::string &why) {
  for (const RecordedOpening &opening : found.record.openings)
    if (opening.handle != 0) return why = cat("`", opening.file, "` is not closed yet"), false;
  auto snapshot = look(process);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  if (!found.memory.empty()) {
    if (auto pointer = heapPointer(found, process, snapshot->maps, stacks)) {
      why = cat("the memory at ", hexAddress(*pointer), " points into it");
      return false;
    }
    auto handlers = runtime::signalHandlers(process, agent);
    if (!handlers) return std::unexpected(std::move(handlers.error()));
    for (const runtime::SignalHandler &handler : *handlers)
      if (std::ranges::any_of(found.memory,
                              [&](const RemoteRange &range) { return range.contains(handler.function); })) {
        why = cat("the program's handler of ", handler.name, " is in it");
        return false;
      }
    auto clean = stacksClean(found, process, *snapshot, agent, why);
    if (!clean || !*clean) return clean;
  }
  for (const RemoteRange &range : found.memory)
    if (auto done = agent.unmap(range.begin, range.size()); !done) return std::unexpected(std::move(done.error()));
  if (auto done = agent.unmap(found.range.begin, found.range.size()); !done)
    return std::unexpected(std::move(done.error()));
  return true;
}

} // namespace lpc::backend
