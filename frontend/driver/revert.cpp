// lpc revert NAME --pid PID... [--timeout TIME] [--max-pause TIME] [--dry-run] [--format text|json]
#include <algorithm>

#include "frontend/driver/attempts.h"
#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/everyone.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/outcome_report.h"
#include "ir/support/cat.h"

namespace lpc::driver {

int runRevert(const Arguments &arguments) {
  const std::string &name = arguments.operands.front();
  std::vector<std::pair<pid_t, backend::Outcome>> outcomes;
  std::vector<Diagnostic> diagnostics;
  int status = Done;
  Everyone everyone{.pids = arguments.pids};
  if (arguments.all) everyone = everyonePatched(name);
  if (arguments.all && everyone.pids.empty()) {
    Error none = nobody(everyone, cat("has a patch named `", name, "`"));
    status = statusOf(none.id);
    if (arguments.format == Format::Text) printError("lpc revert", none, "no process was touched");
    if (arguments.format == Format::Text) return status;
    diagnostics.push_back(toDiagnostic(std::move(none)));
  }
  for (pid_t pid : everyone.pids) {
    outcomes.emplace_back(pid, revertFrom(name, pid, playOptions(arguments)));
    status = std::max<int>(status, statusOf(outcomes.back().second));
  }

  if (arguments.format == Format::Text) {
    for (const auto &[pid, outcome] : outcomes)
      printOutcome("lpc revert", name, pid, outcome, {});
    if (arguments.all) {
      std::vector<const backend::Outcome *> all;
      for (const auto &[pid, outcome] : outcomes)
        all.push_back(&outcome);
      print(tally(all, everyone));
    }
    return status;
  }
  print(Json::document([&](Json &json) {
    json.text("schema", "lpc.revert/1");
    json.text("patch", name);
    writeDiagnostics(json, diagnostics, "");
    json.array("processes", [&] {
      for (const auto &[pid, outcome] : outcomes)
        json.element([&] { writeOutcome(json, pid, outcome); });
    });
    json.number("status", status);
  }));
  return status;
}

} // namespace lpc::driver
