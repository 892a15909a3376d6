// lpc status [--pid PID...] [--symbols FOLDER] [--format text|json]
#include <algorithm>
#include <ctime>

#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/symbols_folder.h"
#include "frontend/pipeline.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"
#include "runtime/process_list.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "lpc status";

// Whoever switches or reverts now has the process stopped; what is read here while nobody does was left by an lpc that
// died.
std::string_view stateName(backend::RecordState state) {
  bool unfinished = state == backend::RecordState::Switching || state == backend::RecordState::Reverting;
  return unfinished ? "interrupted" : backend::name(state);
}

// "2026-01-31T12:00:00Z"; the record is data of the process, so any number can stand there.
std::string timeText(uint64_t microseconds) {
  time_t seconds = static_cast<time_t>(microseconds / 1'000'000);
  tm parts{};
  char text[64];
  if (gmtime_r(&seconds, &parts) == nullptr) return "unknown";
  return {text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

uint64_t memoryOf(const backend::FoundRecord &found) {
  uint64_t size = found.range.size();
  for (const RemoteRange &range : found.memory)
    size += range.size();
  return size;
}

struct Answer {
  std::vector<Applied> processes;
  std::vector<std::pair<pid_t, Error>> errors;
  size_t hidden = 0; // processes that could not be looked at when all were asked for
  std::optional<SymbolsFolder> symbols{};
};

Answer ask(const std::vector<pid_t> &pids) {
  Answer answer;
  for (pid_t pid : pids) {
    if (Result<Applied> applied = appliedTo(pid))
      answer.processes.push_back(std::move(*applied));
    else
      answer.errors.emplace_back(pid, std::move(applied.error()));
  }
  return answer;
}

// Processes without patches are left out, and so are those that ended meanwhile, kernel threads and the like; those
// that we may not look at are counted, because there could be patches on them.
Answer askAll() {
  Answer answer;
  for (pid_t pid : runtime::processIds()) {
    Result<Applied> applied = appliedTo(pid);
    if (applied && !applied->patches.empty())
      answer.processes.push_back(std::move(*applied));
    else if (!applied && applied.error().id == DiagnosticId::NotPermitted)
      ++answer.hidden;
    else if (!applied && applied.error().id == DiagnosticId::CorruptRegistry)
      answer.errors.emplace_back(pid, std::move(applied.error()));
  }
  return answer;
}

void writePatch(Json &json, const backend::FoundRecord &found) {
  const backend::Record &record = found.record;
  json.text("name", record.name);
  json.textOrNull("version", record.version);
  json.text("state", stateName(record.state));
  json.text("digest", toHex(record.digest));
  json.text("applied_at", timeText(record.appliedAt));
  json.number("places", static_cast<int64_t>(record.changes.size()));
  json.number("memory_bytes", static_cast<int64_t>(memoryOf(found)));
  json.array("dlopen", [&] {
    for (const backend::RecordedOpening &opening : record.openings)
      json.element([&] {
        json.text("name", opening.name);
        json.text("file", opening.file);
        json.textOrNull("address", opening.range.size() == 0 ? "" : hexAddress(opening.range.begin));
        json.flag("open", opening.handle != 0);
      });
  });
}

std::string document(const Answer &answer, int status) {
  std::vector<Diagnostic> diagnostics;
  for (const auto &[pid, error] : answer.errors)
    diagnostics.push_back(toDiagnostic(error));
  return Json::document([&](Json &json) {
    json.text("schema", "lpc.status/1");
    json.array("processes", [&] {
      for (const Applied &process : answer.processes)
        json.element([&] {
          json.number("pid", process.pid);
          json.text("exe", process.executable);
          json.textOrNull("build_id", toHex(process.buildId));
          json.array("patches", [&] {
            for (const backend::FoundRecord &found : process.patches)
              json.element([&] { writePatch(json, found); });
          });
        });
    });
    if (answer.symbols)
      json.array("symbol_files", [&] {
        for (const std::string &file : answer.symbols->files)
          json.textElement(file);
      });
    writeDiagnostics(json, diagnostics, "");
    json.number("not_permitted", static_cast<int64_t>(answer.hidden));
    json.number("status", status);
  });
}

std::string openingsText(const backend::Record &record) {
  std::string out;
  for (const backend::RecordedOpening &opening : record.openings)
    out += cat("    dlopen $", displayable(opening.name), " ", displayable(opening.file),
               opening.range.size() == 0 ? "" : " @ " + hexAddress(opening.range.begin),
               opening.handle == 0 ? ": closed" : ": open", "\n");
  return out;
}

std::string text(const Answer &answer) {
  std::string out;
  for (const Applied &process : answer.processes) {
    out += cat("process ", process.pid, ": ", displayable(process.executable),
               process.patches.empty() ? ": no patches" : "", "\n");
    for (const backend::FoundRecord &found : process.patches) {
      const backend::Record &record = found.record;
      out +=
          cat("  ", displayable(record.name), record.version.empty() ? "" : " " + displayable(record.version), ": ",
              stateName(record.state), " ", timeText(record.appliedAt), ", ", counted(record.changes.size(), "place"),
              ", ", memoryOf(found), " bytes, digest ", toHex(record.digest).substr(0, 16), "\n");
      out += openingsText(record);
    }
  }
  return out;
}

// What to do with the files.
std::string advice(pid_t pid, const std::string &folder, const SymbolsFolder &symbols) {
  std::string out = cat("  gdb -p ", pid, " -x ", displayable(folder), "/gdb\n");
  if (symbols.forProfilers) out += cat("  perf report --symfs ", displayable(folder), "\n");
  if (symbols.incomplete) out += "  perf names not all of the functions: it cannot tell these patches apart\n";
  return out;
}

} // namespace

int runStatus(const Arguments &arguments) {
  if (arguments.symbols && arguments.pids.size() != 1) {
    printError(kCommand, {.id = DiagnosticId::Usage,
                          .message = "`--symbols` is for one process: it needs one `--pid`",
                          .notes = {},
                          .help = {},
                          .place = {}});
    return WrongUsage;
  }
  Answer answer = arguments.pids.empty() ? askAll() : ask(arguments.pids);
  if (arguments.symbols && answer.errors.empty()) {
    auto symbols = writeSymbols(arguments.pids[0], *arguments.symbols);
    if (symbols)
      answer.symbols = std::move(*symbols);
    else
      answer.errors.emplace_back(arguments.pids[0], std::move(symbols.error()));
  }
  int status = Done;
  for (const auto &[pid, error] : answer.errors)
    status = std::max<int>(status, statusOf(error.id));
  if (arguments.format == Format::Json) {
    print(document(answer, status));
    return status;
  }
  print(text(answer));
  if (answer.symbols) print(advice(arguments.pids[0], *arguments.symbols, *answer.symbols));
  if (arguments.pids.empty() && answer.processes.empty()) print("no process has a patch\n");
  if (answer.hidden > 0)
    print(
        cat(answer.hidden, answer.hidden == 1 ? " process" : " processes", " could not be looked at: not permitted\n"));
  for (const auto &[pid, error] : answer.errors)
    printError(kCommand, error, untouchedState(pid, error.id));
  return status;
}

} // namespace lpc::driver
