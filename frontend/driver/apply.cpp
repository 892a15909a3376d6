// lpc apply PATCH --pid PID... [--target ELF] [--object NAME=FILE] [--timeout TIME] [--max-pause TIME] [--dry-run]
// [--format text|json]
#include "frontend/driver/attempts.h"
#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
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

  if (arguments.all) return applyToAll(*text, arguments);

  Names names{arguments.target, arguments.objects, arguments.warnings};
  // One after the other: the lines keep the order of the options.
  Compiler compiler(*text, names);
  backend::PlayOptions options = playOptions(arguments);
  std::vector<Attempt> attempts;
  for (pid_t pid : arguments.pids)
    attempts.push_back(applyTo(compiler, pid, options));

  int status = worstStatus(attempts);
  if (asJson)
    print(document(patchNameOf(*text, attempts), file, diagnosticsOf(attempts), attempts, status));
  else
    printAttempts(std::string(kCommand), *text, attempts);
  return status;
}

} // namespace lpc::driver
