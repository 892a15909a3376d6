// lpc revert NAME --pid PID... [--timeout TIME] [--max-pause TIME] [--dry-run] [--format text|json]
#include <algorithm>

#include "frontend/driver/attempts.h"
#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/outcome_report.h"

namespace lpc::driver {

int runRevert(const Arguments &arguments) {
  const std::string &name = arguments.operands.front();
  if (arguments.all) return revertFromAll(name, arguments);
  std::vector<std::pair<pid_t, backend::Outcome>> outcomes;
  int status = Done;
  for (pid_t pid : arguments.pids) {
    outcomes.emplace_back(pid, revertFrom(name, pid, playOptions(arguments)));
    status = std::max<int>(status, statusOf(outcomes.back().second));
  }

  if (arguments.format == Format::Text) {
    for (const auto &[pid, outcome] : outcomes)
      printOutcome("lpc revert", name, pid, outcome, {});
    return status;
  }
  print(Json::document([&](Json &json) {
    json.text("schema", "lpc.revert/1");
    json.text("patch", name);
    writeDiagnostics(json, {}, "");
    json.array("processes", [&] {
      for (const auto &[pid, outcome] : outcomes)
        json.element([&] { writeOutcome(json, pid, outcome); });
    });
    json.number("status", status);
  }));
  return status;
}

} // namespace lpc::driver
