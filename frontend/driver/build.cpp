// lpc build PATCH -o FILE [--target ELF]... [--object NAME=FILE]
//
// The patch is compiled once for each target. Nothing is written unless it is right for all of them: a bundle that
// lacks a build which was asked for would be found out where it is applied.
#include <algorithm>

#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/input.h"
#include "frontend/driver/output.h"
#include "ir/bundle/bundle.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "lpc build";

int failed(const Error &error) {
  printError(kCommand, error);
  return statusOf(error.id);
}

// For the patch's own target where none is given.
std::vector<Names> namesOf(const Arguments &arguments) {
  std::vector<Names> out;
  for (const std::string &target : arguments.targets)
    out.push_back({target, arguments.objects, arguments.warnings});
  if (out.empty()) out.push_back({std::nullopt, arguments.objects, arguments.warnings});
  return out;
}

// What one target shows may be what others showed already.
void printFresh(const Diagnostics &diagnostics, const SourceText &source, std::vector<Diagnostic> &seen) {
  std::vector<Diagnostic> fresh = diagnostics.sorted();
  std::erase_if(fresh, [&](const Diagnostic &each) { return std::ranges::find(seen, each) != seen.end(); });
  seen.insert(seen.end(), fresh.begin(), fresh.end());
  printDiagnostics(fresh, source);
}

// "hotfix.lpb: 2 builds of hotfix 1.2, 18432 bytes" and a line for each build.
void printSummary(const std::string &file, const ir::Bundle &bundle, size_t size) {
  auto line = [](const std::string &text) { print(displayable(text) + "\n"); };
  const ir::Patch &first = bundle.builds.front();
  line(cat(file, ": ", counted(bundle.builds.size(), "build"), " of ", first.name, first.version.empty() ? "" : " ",
           first.version, ", ", counted(size, "byte")));
  for (const ir::Patch &build : bundle.builds)
    line(cat("  ", build.objects.front().path, "  ",
             build.objects.front().buildId.empty() ? "no build-id"
                                                   : "build-id " + toHex(build.objects.front().buildId)));
}

} // namespace

int runBuild(const Arguments &arguments) {
  const std::string &file = arguments.operands.front();
  if (!arguments.output)
    return failed({.id = DiagnosticId::Usage,
                   .message = "`lpc build` wants a file to write: -o FILE",
                   .notes = {},
                   .help = "",
                   .place = {}});
  Result<PatchText> text = readPatch(file);
  if (!text) return failed(text.error());
  if (ir::isBundle(text->source.text()))
    return failed({.id = DiagnosticId::Usage,
                   .message = cat("`", file, "` is a bundle already"),
                   .notes = {},
                   .help = "give the patch that it was made from",
                   .place = {}});

  ir::Bundle bundle;
  std::vector<Diagnostic> seen;
  bool good = true;
  for (const Names &names : namesOf(arguments)) {
    Compilation compilation = compile(*text, names, nullptr);
    printFresh(compilation.diagnostics, compilation.source, seen);
    if (compilation.refusal) return failed(*compilation.refusal);
    good = good && compilation.patch;
    if (compilation.patch) bundle.builds.push_back(std::move(*compilation.patch));
  }
  if (!good) return PatchHasErrors;
  Result<Bytes> bytes = ir::writeBundle(bundle);
  if (!bytes) return failed(bytes.error());
  if (auto written = writeFile(*arguments.output, *bytes); !written) return failed(written.error());
  printSummary(*arguments.output, bundle, bytes->size());
  return Done;
}

} // namespace lpc::driver
