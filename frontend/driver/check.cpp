// lpc check PATCH [--target ELF] [--object NAME=FILE] [--pid PID] [--format text|json]
#include <algorithm>

#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/help.h"
#include "frontend/driver/trust.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "lpc check";

constexpr bool isChange(const ir::Alloc &) { return false; }
constexpr bool isChange(const ir::Load &) { return false; }
constexpr bool isChange(const ir::Link &) { return false; }
constexpr bool isChange(const ir::Open &) { return false; }
constexpr bool isChange(const ir::Write &) { return true; }
constexpr bool isChange(const ir::Branch &) { return true; }
constexpr bool isChange(const ir::Code &) { return true; }
constexpr bool isChange(const ir::Return &) { return true; }
constexpr bool isChange(const ir::Nop &) { return true; }
constexpr bool isChange(const ir::Import &) { return true; }
constexpr bool isChange(const ir::Expect &) { return false; }
constexpr bool isChange(const ir::Quiesce &) { return false; }
constexpr bool isChange(const ir::Call &) { return false; }

// "hotfix.lp: ok: 2 changes and 1 new memory, for ./server (build-id 3f2a9c1d…)"
std::string summary(const std::string &file, const ir::Patch &patch) {
  auto changes = std::ranges::count_if(patch.operations, [](const ir::Operation &operation) {
    return std::visit([](const auto &action) { return isChange(action); }, operation.action);
  });
  std::string out = cat(file, ": ok: ", counted(static_cast<size_t>(changes), "change"));
  if (size_t made = patch.memories.size(); made > 0)
    out += cat(" and ", made, made == 1 ? " new memory" : " new memories");
  if (!patch.objects.empty()) {
    const ir::Object &program = patch.objects.front();
    std::string build = toHex(program.buildId);
    out += cat(", for ", program.path);
    if (!build.empty()) out += cat(" (build-id ", build.substr(0, 8), build.size() > 8 ? "…" : "", ")");
  }
  return displayable(out) + "\n";
}

std::string document(const std::string &name, const std::string &file, const std::vector<Diagnostic> &diagnostics,
                     int status) {
  return Json::document([&](Json &json) {
    json.text("schema", "lpc.check/1");
    json.text("patch", name);
    json.flag("ok", status == Done);
    writeDiagnostics(json, diagnostics, file);
    json.number("status", status);
  });
}

// Nothing was checked: the patch or the process cannot be read.
int failed(const Arguments &arguments, const Error &error, const std::string &state = {}) {
  int status = statusOf(error.id);
  if (arguments.format == Format::Json)
    print(document("", arguments.operands.front(), {toDiagnostic(error)}, status));
  else
    printError(kCommand, error, state);
  return status;
}

int explain(const std::string &id) {
  std::vector<std::string> ids;
  for (const DiagnosticInfo &row : allDiagnostics()) {
    if (row.text == id) {
      print(diagnosticText(row));
      return Done;
    }
    ids.emplace_back(row.text);
  }
  auto near = nearest(id, ids);
  printError(kCommand,
             {.id = DiagnosticId::Usage,
              .message = cat("no message has the id `", id, "`"),
              .notes = {},
              .help = near.empty() ? "`lpc help diagnostics` lists them" : cat("did you mean `", near.front(), "`?"),
              .place = {}});
  return WrongUsage;
}

int statusOf(const Compilation &compilation) {
  if (compilation.diagnostics.hasErrors()) return PatchHasErrors;
  return compilation.refusal ? driver::statusOf(compilation.refusal->id) : Done;
}

} // namespace

int runCheck(const Arguments &arguments) {
  if (arguments.explain) return explain(*arguments.explain);
  Result<PatchText> text = readIfSigned(arguments.operands.front(), arguments.publicKey);
  if (!text) return failed(arguments, text.error());
  std::optional<LiveProcess> live;
  if (!arguments.pids.empty()) {
    Result<LiveProcess> opened = LiveProcess::open(arguments.pids.front());
    if (!opened) return failed(arguments, opened.error(), untouchedState(arguments.pids.front(), opened.error().id));
    live = std::move(*opened);
  }

  Compilation compilation =
      compile(*text, {arguments.target, arguments.objects, arguments.warnings}, live ? &*live : nullptr);
  int status = statusOf(compilation);
  std::vector<Diagnostic> diagnostics = compilation.diagnostics.sorted();
  if (arguments.format == Format::Json) {
    if (compilation.refusal) diagnostics.push_back(toDiagnostic(*compilation.refusal));
    print(document(compilation.name, compilation.source.name(), diagnostics, status));
    return status;
  }
  printDiagnostics(diagnostics, compilation.source);
  if (compilation.refusal) printError(kCommand, *compilation.refusal, live ? untouchedState(live->process.pid()) : "");
  if (compilation.patch) print(summary(text->source.name(), *compilation.patch));
  for (const ir::Patch &build : compilation.otherBuilds)
    print(summary(text->source.name(), build));
  return status;
}

} // namespace lpc::driver
