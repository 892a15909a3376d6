// All of a patch's memory is one memfd: the record first, then the memories. The record is mapped first, so whenever
// memory of a patch is there, the record that owns it is there too.
#include "backend/prepare.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>

#include "ir/support/cat.h"
#include "runtime/memory_file.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kWord = 8; // a store of an aligned word is never seen torn (executor notes, "Switching")

uint64_t pages(uint64_t size) { return (size + kPage - 1) & ~(kPage - 1); }

uint64_t mappedSize(const PlannedMemory &memory) {
  uint64_t end = 0;
  for (const PlannedSegment &segment : memory.segments)
    end = std::max(end, segment.offset + segment.size);
  return end;
}

// Profilers know code by its place in the file that it is mapped from, and all of these files by one name: no code of
// another patch is at the places that are given here. The lowest ones, because files have limits (RLIMIT_FSIZE).
uint64_t freeOffset(const std::vector<runtime::Mapping> &maps, uint64_t from, uint64_t size) {
  std::vector<std::pair<uint64_t, uint64_t>> taken;
  for (const runtime::Mapping &mapping : maps)
    if (isOfPatch(mapping) && mapping.executable)
      taken.emplace_back(mapping.offset, mapping.offset + mapping.range.size());
  std::ranges::sort(taken);
  for (const auto &[begin, end] : taken)
    if (from < end && begin < from + size) from = end;
  return from;
}

// Takes away again what was mapped when a later step fails; the record goes last.
std::unexpected<Error> undo(Error why, const FoundRecord &made, runtime::Agent &agent) {
  for (const RemoteRange &range : made.memory)
    (void)agent.unmap(range.begin, range.size()); // the first failure is what matters
  if (made.range.size()) (void)agent.unmap(made.range.begin, made.range.size());
  return std::unexpected(std::move(why));
}

// Aligned words that hold code changes, merged where they touch, with the bytes that are to stand there.
struct WordRun {
  RemoteAddress begin;
  Bytes oldBytes, newBytes;
};

Result<std::vector<WordRun>> wordRuns(const std::vector<PlaceChange> &changes, const runtime::Process &process) {
  std::vector<RemoteRange> ranges;
  for (const PlaceChange &change : changes)
    if (change.code)
      ranges.push_back({{change.address.value & ~(kWord - 1)},
                        {(change.address.value + change.bytes.size() + kWord - 1) & ~(kWord - 1)}});
  std::ranges::sort(ranges);
  std::vector<RemoteRange> merged;
  for (const RemoteRange &range : ranges)
    if (!merged.empty() && range.begin <= merged.back().end)
      merged.back().end = std::max(merged.back().end, range.end);
    else
      merged.push_back(range);
  std::vector<WordRun> runs;
  for (const RemoteRange &range : merged) {
    auto now = process.read(range.begin, range.size());
    if (!now) return std::unexpected(std::move(now.error()));
    runs.push_back({range.begin, *now, *now});
  }
  return runs;
}

// Puts the part of a change that lies inside a run into it; true where all of it does.
bool overlay(const PlaceChange &change, WordRun &run) {
  bool inside = change.address >= run.begin && change.address + change.bytes.size() <= run.begin + run.newBytes.size();
  for (uint64_t i = 0; i < change.bytes.size(); i++) {
    RemoteAddress at = change.address + i;
    if (at >= run.begin && at - run.begin < run.newBytes.size()) run.newBytes[at - run.begin] = change.bytes[i];
  }
  return inside;
}

} // namespace

Record recordOf(const Plan &plan, uint64_t sequence) {
  using namespace std::chrono;
  auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  Record record{plan.patchName,
                plan.patchVersion,
                plan.digest,
                sequence,
                static_cast<uint64_t>(now),
                RecordState::Prepared,
                {},
                {}};
  for (const PlannedMemory &memory : plan.memories) {
    for (const PlannedSegment &segment : memory.segments)
      if (segment.protection & PROT_EXEC) {
        RemoteAddress begin = memory.address + segment.offset;
        record.code.push_back({memory.id ? "$" + memory.name : memory.name, {begin, begin + segment.size}});
      }
    for (const PlannedFunction &function : memory.functions)
      record.code.push_back({function.name, function.range});
  }
  for (const PlannedChange &change : plan.changes)
    if (!change.prepared) record.changes.push_back({change.address, change.code, change.oldBytes, change.newBytes});
  for (const Call &call : plan.calls)
    if (call.stage >= CallStage::PreRevert) record.calls.push_back(call), record.calls.back().place = {};
  record.frames = plan.frames;
  record.exitHandles = plan.exitHandles;
  record.closer = plan.closer;
  for (const PlannedOpening &opening : plan.openings)
    for (const RemoteRange &code : opening.code)
      record.code.push_back({"$" + opening.name, code});
  for (const PlannedOpening &opening : plan.openings)
    record.openings.push_back({opening.name, opening.file, opening.range, opening.handle, opening.wasLoaded});
  return record;
}

Result<FoundRecord> prepareMemory(const Plan &plan, Record record, const runtime::Process &process,
                                  runtime::Agent &agent, const std::vector<runtime::Mapping> &maps) {
  Bytes recordBytes = encode(record);
  uint64_t memorySize = 0;
  for (const PlannedMemory &memory : plan.memories)
    memorySize += mappedSize(memory);
  uint64_t size = freeOffset(maps, pages(recordBytes.size()), memorySize);
  std::vector<uint64_t> offsets;
  for (const PlannedMemory &memory : plan.memories) {
    offsets.push_back(size);
    size += mappedSize(memory);
  }
  auto file = runtime::MemoryFile::create(process, agent, kRegistryName, size);
  if (!file) return std::unexpected(std::move(file.error()));
  if (auto written = file->write(0, recordBytes); !written) return std::unexpected(std::move(written.error()));
  for (size_t i = 0; i < plan.memories.size(); i++)
    if (auto written = file->write(offsets[i], plan.memories[i].content); !written)
      return std::unexpected(std::move(written.error()));

  FoundRecord made{{}, {}, std::move(record)};
  auto base = file->map({}, 0, pages(recordBytes.size()), PROT_READ | PROT_WRITE);
  if (!base) return std::unexpected(std::move(base.error()));
  made.range = {*base, *base + pages(recordBytes.size())};
  for (size_t i = 0; i < plan.memories.size(); i++)
    for (const PlannedSegment &segment : plan.memories[i].segments) {
      RemoteAddress at = plan.memories[i].address + segment.offset;
      auto mapped = file->map(at, offsets[i] + segment.offset, segment.size, segment.protection);
      if (!mapped) return undo(std::move(mapped.error()), made, agent);
      made.memory.push_back({at, at + segment.size});
    }
  return made;
}

Result<void> addWrites(SwitchJob &job, const std::vector<PlaceChange> &changes, const runtime::Process &process) {
  auto runs = wordRuns(changes, process);
  if (!runs) return std::unexpected(std::move(runs.error()));
  for (const PlaceChange &change : changes) {
    bool covered = false;
    for (WordRun &run : *runs)
      covered |= overlay(change, run);
    if (!covered) job.writes.push_back({change.address, change.bytes});
  }
  for (WordRun &run : *runs) {
    // Writing back what stands there gives the process its own copy of the page now (saves 13 µs a page in the window).
    if (auto touched = process.write(run.begin, run.oldBytes); !touched) return touched;
    job.guards.push_back({run.begin, run.oldBytes, DiagnosticId::BytesDiffer, 0});
    job.writes.push_back({run.begin, std::move(run.newBytes)});
    job.codeWrites++;
  }
  return {};
}

} // namespace lpc::backend
