// lpc plan PATCH --pid PID [--target ELF] [--object NAME=FILE] [--format text|json]
#include "frontend/driver/attempts.h"
#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/plan_report.h"
#include "frontend/driver/trust.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "lpc plan";

} // namespace

int runPlan(const Arguments &arguments) {
  const std::string &file = arguments.operands.front();
  pid_t pid = arguments.pids.front();
  bool asJson = arguments.format == Format::Json;
  Result<PatchText> text = readTrusted(file, arguments.publicKey);
  if (!text) {
    int status = statusOf(text.error().id);
    if (asJson)
      print(planDocument("", Attempt{.pid = pid}, {toDiagnostic(text.error())}, file, status));
    else
      printError(kCommand, text.error(), "no process was touched");
    return status;
  }

  Names names{arguments.target, arguments.objects, arguments.warnings};
  Compiler compiler(*text, names);
  std::vector<Attempt> attempts;
  attempts.push_back(planFor(compiler, pid));
  const Attempt &attempt = attempts.front();
  int status = worstStatus(attempts);
  if (asJson) {
    std::vector<Diagnostic> diagnostics = diagnosticsOf(attempts);
    if (attempt.outcome.reason && !patchHasErrors(attempt))
      diagnostics.push_back(toDiagnostic(*attempt.outcome.reason));
    print(planDocument(patchNameOf(*text, attempts), attempt, diagnostics, file, status));
  } else if (attempt.plan) {
    printDiagnostics(diagnosticsOf(attempts), attempt.compilation->source);
    print(planText(attempt));
    print("state: " + attempt.outcome.state + "\n");
  } else {
    printAttempts(std::string(kCommand), *text, attempts);
  }
  return status;
}

} // namespace lpc::driver
