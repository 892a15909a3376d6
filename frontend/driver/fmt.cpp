// lpc fmt [-i | --check] PATCH...
#include <algorithm>

#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/input.h"
#include "frontend/driver/output.h"
#include "frontend/parse/format.h"
#include "frontend/resolved.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "lpc fmt";

int failed(const Error &error) {
  printError(kCommand, error);
  return statusOf(error.id);
}

Error usage(std::string message) {
  return {.id = DiagnosticId::Usage, .message = std::move(message), .notes = {}, .help = {}, .place = {}};
}

int formatOne(const std::string &path, const Arguments &arguments) {
  Result<PatchText> text = readPatch(path);
  if (!text) return failed(text.error());
  if (isResolved(text->source.text())) return failed(usage(cat("`", path, "` is IR, which has one form only")));
  Diagnostics diagnostics;
  auto formatted = format(text->source, diagnostics);
  printDiagnostics(diagnostics.sorted(), text->source);
  if (!formatted) return PatchHasErrors;
  bool same = *formatted == text->source.text();
  if (arguments.onlyCheck) {
    if (!same) print(displayable(path) + "\n");
    return same ? Done : PatchHasErrors;
  }
  if (!arguments.inPlace) {
    print(*formatted);
    return Done;
  }
  if (path == "-") return failed(usage("standard input can't be written to"));
  if (same) return Done;
  Result<void> written = writeFile(path, asBytes(*formatted));
  return written ? Done : failed(written.error());
}

} // namespace

int runFmt(const Arguments &arguments) {
  if (arguments.inPlace && arguments.onlyCheck) return failed(usage("`-i` and `--check` exclude each other"));
  int status = Done;
  for (const std::string &path : arguments.operands)
    status = std::max(status, formatOne(path, arguments));
  return status;
}

} // namespace lpc::driver
