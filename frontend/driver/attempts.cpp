// Reporting attempts. With many processes the errors of the patch are said once, and each process has its own last
// line.
#include "frontend/driver/attempts.h"

#include <algorithm>

#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/outcome_report.h"

namespace lpc::driver {

backend::PlayOptions playOptions(const Arguments &arguments) {
  return {.timeout = arguments.timeout,
          .maxPause = arguments.maxPause,
          .dryRun = arguments.dryRun,
          .alwaysStop = arguments.alwaysStop,
          .allowActive = arguments.allowActive,
          .expectedPlan = arguments.expectedPlan};
}

std::vector<Diagnostic> diagnosticsOf(const std::vector<Attempt> &attempts) {
  Diagnostics all;
  std::vector<const Compilation *> seen;
  for (const Attempt &attempt : attempts) {
    const Compilation *compilation = attempt.compilation.get();
    if (compilation == nullptr || std::ranges::find(seen, compilation) != seen.end()) continue;
    seen.push_back(compilation);
    for (const Diagnostic &diagnostic : compilation->diagnostics.all())
      if (std::ranges::find(all.all(), diagnostic) == all.all().end()) all.add(diagnostic);
  }
  return all.sorted();
}

bool patchHasErrors(const Attempt &attempt) {
  return attempt.compilation && attempt.compilation->diagnostics.hasErrors();
}

std::string patchNameOf(const PatchText &text, const std::vector<Attempt> &attempts) {
  auto known = std::ranges::find_if(attempts, [](const Attempt &attempt) { return attempt.compilation != nullptr; });
  return known == attempts.end() ? text.defaultName : known->compilation->name;
}

int worstStatus(const std::vector<Attempt> &attempts) {
  int worst = Done;
  for (const Attempt &attempt : attempts)
    worst = std::max<int>(worst, statusOf(attempt.outcome));
  return worst;
}

void printAttempts(const std::string &command, const PatchText &text, const std::vector<Attempt> &attempts) {
  auto compiled = std::ranges::find_if(attempts, [](const Attempt &attempt) { return attempt.compilation != nullptr; });
  const SourceText &source = compiled == attempts.end() ? text.source : compiled->compilation->source;
  printDiagnostics(diagnosticsOf(attempts), source);
  for (const Attempt &attempt : attempts) {
    if (patchHasErrors(attempt))
      printState(attempt.outcome.state);
    else
      printOutcome(command, patchNameOf(text, attempts), attempt.pid, attempt.outcome, source);
  }
}

} // namespace lpc::driver
