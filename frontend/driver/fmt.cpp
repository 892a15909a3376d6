// lpc fmt [-i | --check] PATCH...
//
// With -i a file is written beside the old one and takes its name, so that no moment has half a file.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/input.h"
#include "frontend/parse/format.h"
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

Result<void> replace(const std::string &path, const std::string &text) {
  auto error = [&] { return failErrno(DiagnosticId::CannotOpen, cat("cannot write `", path, "`"), errno); };
  struct stat old{};
  if (stat(path.c_str(), &old) != 0) return error();
  std::string fresh = path + ".lpc-fmt";
  std::ofstream file(fresh, std::ios::binary);
  file << text;
  file.close();
  if (!file || chmod(fresh.c_str(), old.st_mode & 07777) != 0 || rename(fresh.c_str(), path.c_str()) != 0) {
    auto result = error();
    std::remove(fresh.c_str());
    return result;
  }
  return {};
}

int formatOne(const std::string &path, const Arguments &arguments) {
  Result<PatchText> text = readPatch(path);
  if (!text) return failed(text.error());
  if (isIrText(text->source.text())) return failed(usage(cat("`", path, "` is IR, which has one form only")));
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
  Result<void> written = replace(path, *formatted);
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
