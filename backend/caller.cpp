// A worker serves for all calls of a command. One that a function has ended is replaced at the next call: what is due
// at the end is due even then.
#include "backend/caller.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "backend/link_maps.h"
#include "backend/loaded_object.h"
#include "backend/loader_exit.h"
#include "backend/thread_library.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

bool isDue(const Call &call, const Record &record) {
  bool atTheEnd = call.stage == CallStage::PostRevert || call.stage == CallStage::Finish;
  return atTheEnd && call.step <= record.begun;
}

// Nothing of the object goes away with that handle, whatever the program does: another patch has it open, too, and will
// be asked in its turn, or it came with the program.
bool staysWithout(const RecordedOpening &opening, const FoundRecord &found, const runtime::Process &process) {
  auto snapshot = look(process);
  auto records = snapshot ? readRegistry(process, snapshot->maps) : std::unexpected(std::move(snapshot.error()));
  if (!records) return false;
  auto hasIt = [&](const FoundRecord &other) {
    return other.record.sequence != found.record.sequence && !isHandedOver(other, *records) &&
           std::ranges::find(other.record.openings, opening.handle, &RecordedOpening::handle) !=
               other.record.openings.end();
  };
  return std::ranges::any_of(*records, hasIt) ||
         LinkMaps(RemoteAddress{opening.handle}, process, *snapshot).cameWithProgram(RemoteAddress{opening.handle});
}

// Nothing: it may be closed.
std::optional<std::string> whyItStays(const RecordedOpening &opening, const FoundRecord &found, const Ending &ending) {
  if (staysWithout(opening, found, ending.process)) return std::nullopt;
  ending.endWorker();
  std::string why;
  auto unused = isUnused(opening, found, ending.stacks, ending.process, ending.agent, why);
  if (unused && *unused) return std::nullopt;
  return cat("`", opening.file, opening.shared ? "` was loaded before and stays loaded: " : "` stays loaded: ",
             unused ? why : unused.error().message);
}

// True: it is closed, or never will be. False: the next command tries again.
bool close(size_t index, FoundRecord &found, const Ending &ending, std::vector<std::string> &remarks) {
  RecordedOpening &opening = found.record.openings[index];
  if (auto why = whyItStays(opening, found, ending)) return remarks.push_back(std::move(*why)), false;
  RemoteAddress word = found.range.begin + handleOffset(found.record, index);
  auto result = ending.call({.stage = CallStage::Finish,
                             .function = found.record.closer,
                             .arguments = {opening.handle},
                             .name = cat("`dlclose` for ", opening.file),
                             .store = word,
                             .throughLinker = true});
  if (!result) remarks.push_back(result.error().message);
  if (!result && result.error().id != DiagnosticId::CallFailed) return false; // it was not made
  if (result && static_cast<int32_t>(*result) != 0)
    remarks.push_back(cat("`", opening.file, "` stays loaded: `dlclose` returned ", static_cast<int32_t>(*result)));
  opening.handle = 0;
  (void)ending.process.write(word, Bytes(8)); // a process that is gone needs no more
  return true;
}

} // namespace

std::string_view name(CallStage stage) {
  switch (stage) {
  case CallStage::Start: return "start";
  case CallStage::PreApply: return "pre-apply";
  case CallStage::PostApply: return "post-apply";
  case CallStage::PreRevert: return "pre-revert";
  case CallStage::PostRevert: return "post-revert";
  case CallStage::Finish: return "finish";
  }
  return "unknown";
}

Result<void> Caller::prepare(const Snapshot &snapshot, const std::optional<runtime::ThreadLibrary> &known) {
  if (!library_) library_ = known;
  if (library_) return {};
  auto library = findThreadLibrary(process_, snapshot);
  if (!library) return std::unexpected(std::move(library.error()));
  library_ = *library;
  return {};
}

Result<void> Caller::begin(runtime::Agent &agent, const Snapshot &snapshot) {
  if (auto ready = prepare(snapshot); !ready) return ready;
  if (worker_ && !worker_->alive()) worker_.reset();
  if (worker_) return {};
  LPC_CHECK(library_.has_value());
  auto worker = runtime::Worker::start(process_, agent, snapshot.maps, *library_, runtime::Clock::now() + limit_);
  if (!worker) return std::unexpected(std::move(worker.error()));
  worker_.emplace(std::move(*worker));
  return {};
}

Result<uint64_t> Caller::call(const Call &call, runtime::Agent &agent, const Snapshot &snapshot) {
  if (auto begun = begin(agent, snapshot); !begun) return std::unexpected(std::move(begun.error()));
  runtime::WorkerCall made{call.function, {}, call.text, call.store};
  LPC_CHECK(call.arguments.size() <= made.arguments.size());
  std::ranges::copy(call.arguments, made.arguments.begin());
  LoaderExit exit(process_);
  if (call.throughLinker) made.wayOut = [&](const runtime::FailedCall &failed) { return exit.find(failed); };
  LPC_CHECK(worker_.has_value());
  auto result = worker_->run(made, limit_);
  if (result) return result;
  Error error = std::move(result.error()).during(cat("calling ", call.name));
  error.place = call.place;
  return std::unexpected(std::move(error));
}

bool isUnfinished(const Record &record) {
  for (uint64_t i = record.finished; i < record.calls.size(); i++)
    if (isDue(record.calls[i], record)) return true;
  return false;
}

void closeOpenings(FoundRecord &found, const Ending &ending, std::vector<std::string> &remarks) {
  // One that stays for the sake of another one of the patch, which needs it, goes after that one.
  std::vector<std::string> final, passing;
  for (bool closed = true; closed;) {
    closed = false, passing.clear();
    for (size_t i = found.record.openings.size(); i-- > 0;) {
      if (found.record.openings[i].handle == 0) continue;
      std::vector<std::string> told;
      bool done = close(i, found, ending, told);
      closed |= done;
      std::ranges::move(told, std::back_inserter(done ? final : passing));
    }
    closed &= !passing.empty();
  }
  std::ranges::move(final, std::back_inserter(remarks));
  std::ranges::move(passing, std::back_inserter(remarks));
}

void finish(FoundRecord &found, const Ending &ending, std::vector<std::string> &remarks) {
  Record &record = found.record;
  for (uint64_t i = record.finished; i < record.calls.size(); i++) {
    if (!isDue(record.calls[i], record)) continue;
    record.finished = i + 1;
    Bytes word;
    appendLittle(word, record.finished, 8);
    auto noted = ending.process.write(found.range.begin + kFinishedOffset, word);
    auto result = noted ? ending.call(record.calls[i]) : Result<uint64_t>(std::unexpected(std::move(noted.error())));
    if (!result) remarks.push_back(result.error().message);
  }
  closeOpenings(found, ending, remarks);
}

} // namespace lpc::backend
