// A worker serves for all calls of a command. One that a function has ended is replaced at the next call: what is due
// at the end is due even then.
#include "backend/caller.h"

#include <algorithm>

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

Result<uint64_t> Caller::call(const Call &call, runtime::Agent &agent, const Snapshot &snapshot) {
  if (auto ready = prepare(snapshot); !ready) return std::unexpected(std::move(ready.error()));
  if (worker_ && !worker_->alive()) worker_.reset();
  if (!worker_) {
    auto worker = runtime::Worker::start(process_, agent, snapshot.maps, *library_, runtime::Clock::now() + limit_);
    if (!worker) return std::unexpected(std::move(worker.error()));
    worker_.emplace(std::move(*worker));
  }
  runtime::WorkerCall made{call.function, {}, call.text, call.store};
  LPC_CHECK(call.arguments.size() <= made.arguments.size());
  std::ranges::copy(call.arguments, made.arguments.begin());
  LoaderExit exit(process_);
  if (call.throughLinker) made.wayOut = [&](const runtime::FailedCall &failed) { return exit.find(failed); };
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
  for (size_t i = found.record.openings.size(); i-- > 0;) {
    RecordedOpening &opening = found.record.openings[i];
    if (opening.handle == 0) continue;
    if (!opening.shared) {
      ending.endWorker();
      std::string why;
      auto unused = isUnused(opening, found, ending.stacks, ending.process, ending.agent, why);
      if (!unused || !*unused) {
        remarks.push_back(cat("`", opening.file, "` stays loaded: ", unused ? why : unused.error().message));
        continue; // the next command tries again
      }
    }
    RemoteAddress word = found.range.begin + handleOffset(found.record, i);
    auto result = ending.call({.stage = CallStage::Finish,
                               .function = found.record.closer,
                               .arguments = {opening.handle},
                               .name = cat("`dlclose` for ", opening.file),
                               .store = word,
                               .throughLinker = true});
    if (!result) remarks.push_back(result.error().message);
    if (!result && result.error().id != DiagnosticId::CallFailed) continue; // it was not made: the next command does
    if (result && static_cast<int32_t>(*result) != 0)
      remarks.push_back(cat("`", opening.file, "` stays loaded: `dlclose` returned ", static_cast<int32_t>(*result)));
    opening.handle = 0;
    (void)ending.process.write(word, Bytes(8)); // a process that is gone needs no more
  }
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
