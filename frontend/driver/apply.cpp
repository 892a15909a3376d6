// lpc apply PATCH --pid PID... [--target ELF] [--object NAME=FILE] [--timeout TIME] [--max-pause TIME] [--dry-run]
// [--format text|json]
#include "frontend/driver/attempts.h"
#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/everyone.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/outcome_report.h"
#include "frontend/driver/trust.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "lpc apply";

std::string document(const std::string &name, const std::string &file, const std::vector<Diagnostic> &diagnostics,
                     const std::vector<Attempt> &attempts, int status) {
  return Json::document([&](Json &json) {
    json.text("schema", "lpc.apply/1");
    json.text("patch", name);
    writeDiagnostics(json, diagnostics, file);
    json.array("processes", [&] {
      for (const Attempt &attempt : attempts)
        json.element([&] { writeOutcome(json, attempt.pid, attempt.outcome); });
    });
    json.number("status", status);
  });
}

// Who is there to be patched. A patch with errors is found out before anybody is looked for.
Result<Everyone> findAll(const Compilation &compilation) {
  if (compilation.refusal) return std::unexpected(*compilation.refusal);
  if (!compilation.patch) return fail(DiagnosticId::Usage, "the patch has errors");
  auto builds = targetBuilds(compilation);
  if (!builds) return std::unexpected(std::move(builds.error()));
  Everyone everyone = everyoneWith(*builds);
  if (everyone.pids.empty()) return std::unexpected(nobody(everyone, "runs the program that the patch is for"));
  return everyone;
}

} // namespace

int runApply(const Arguments &arguments) {
  const std::string &file = arguments.operands.front();
  bool asJson = arguments.format == Format::Json;
  Result<PatchText> text = readTrusted(file, arguments.publicKey);
  if (!text) {
    int status = statusOf(text.error().id);
    if (asJson)
      print(document("", file, {toDiagnostic(text.error())}, {}, status));
    else
      printError(kCommand, text.error(), "no process was touched");
    return status;
  }

  Names names{arguments.target, arguments.objects, arguments.warnings};
  Everyone everyone{.pids = arguments.pids};
  if (arguments.all) {
    Compilation compilation = compile(*text, names, nullptr);
    auto found = findAll(compilation);
    if (!found) {
      int status = compilation.diagnostics.hasErrors() ? PatchHasErrors : statusOf(found.error().id);
      std::vector<Diagnostic> diagnostics = compilation.diagnostics.sorted();
      if (!compilation.diagnostics.hasErrors()) diagnostics.push_back(toDiagnostic(found.error()));
      if (asJson) {
        print(document(compilation.name, file, diagnostics, {}, status));
        return status;
      }
      printDiagnostics(compilation.diagnostics.sorted(), compilation.source);
      if (!compilation.diagnostics.hasErrors()) printError(kCommand, found.error());
      printState("no process was touched");
      return status;
    }
    everyone = std::move(*found);
  }

  // One after the other: what one process costs is then not the other's delay, and the lines keep the order of the
  // options.
  Compiler compiler(*text, names);
  backend::PlayOptions options = playOptions(arguments);
  std::vector<Attempt> attempts;
  for (pid_t pid : everyone.pids)
    attempts.push_back(applyTo(compiler, pid, options));

  int status = worstStatus(attempts);
  if (asJson)
    print(document(patchNameOf(*text, attempts), file, diagnosticsOf(attempts), attempts, status));
  else
    printAttempts(std::string(kCommand), *text, attempts);
  if (!asJson && arguments.all) {
    std::vector<const backend::Outcome *> outcomes;
    for (const Attempt &attempt : attempts)
      outcomes.push_back(&attempt.outcome);
    print(tally(outcomes, everyone));
  }
  return status;
}

} // namespace lpc::driver
