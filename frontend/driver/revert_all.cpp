// lpc revert NAME --all
#include "frontend/driver/commands.h"
#include "frontend/driver/crowd_report.h"
#include "ir/support/cat.h"

namespace lpc::driver {

int revertFromAll(const std::string &name, const Arguments &arguments) {
  constexpr std::string_view kCommand = "lpc revert";
  CrowdReport report{.command = std::string(kCommand),
                     .schema = "lpc.revert/1",
                     .patch = name,
                     .file = "",
                     .nobody = cat("has a patch named `", name, "`"),
                     .crowd = {}};
  auto work = [&](LiveProcess live, const runtime::SideBySide::Waits &waits) -> Answer {
    backend::PlayOptions options = playOptions(arguments);
    options.giveUp = waits;
    backend::Outcome outcome = backend::revert(name, live.process, options);
    return {.row = rowOf(kCommand, live.process.pid(), live.process.executable(), outcome, SourceText(name, ""))};
  };
  report.crowd = doForAll(
      {.command = std::string(kCommand), .look = [&](pid_t pid) { return lookForPatch(name, pid); }, .work = work});
  return printCrowd(report, arguments.format);
}

} // namespace lpc::driver
