// lpc dump PATCH [--emit ast|ir|json] [--target ELF] [--object NAME=FILE] [--pid PID]
#include "frontend/ast/print.h"
#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/ir_json.h"
#include "frontend/driver/overview.h"
#include "frontend/driver/trust.h"
#include "frontend/parse/parse.h"
#include "frontend/resolved.h"
#include "ir/bundle/bundle.h"
#include "ir/support/cat.h"
#include "ir/text.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "lpc dump";

// What parsed is printed whether or not something did not: that is what one dumps a tree for.
int dumpTree(const PatchText &text) {
  Diagnostics diagnostics;
  ast::File file = parse(text.source, diagnostics);
  printDiagnostics(diagnostics.sorted(), text.source);
  print(ast::outline(file));
  return diagnostics.hasErrors() ? PatchHasErrors : Done;
}

// One build can be read back as it stands; several are told apart by comments.
void printIr(const std::vector<const ir::Patch *> &builds) {
  for (size_t i = 0; i < builds.size(); i++) {
    if (builds.size() > 1) print(cat("# build ", i + 1, " of ", builds.size(), "\n"));
    print(ir::printText(*builds[i]));
  }
}

int failed(const Error &error, const std::string &state = {}) {
  printError(kCommand, error, state);
  return statusOf(error.id);
}

} // namespace

int runDump(const Arguments &arguments) {
  Result<PatchText> text = readIfSigned(arguments.operands.front(), arguments.publicKey);
  if (!text) return failed(text.error());
  Emit emit = arguments.emit.value_or(Emit::Ir);
  if (emit == Emit::Ast) {
    if (!isResolved(text->source.text())) return dumpTree(*text);
    return failed({.id = DiagnosticId::Usage,
                   .message = "the IR has no syntax tree",
                   .notes = {},
                   .help = "use `--emit json`, or dump the patch that it was made from",
                   .place = {}});
  }

  std::optional<LiveProcess> live;
  if (!arguments.pids.empty()) {
    Result<LiveProcess> opened = LiveProcess::open(arguments.pids.front());
    if (!opened) return failed(opened.error(), untouchedState(arguments.pids.front(), opened.error().id));
    live = std::move(*opened);
  }
  Compilation compilation =
      compile(*text, {arguments.target, arguments.objects, arguments.warnings}, live ? &*live : nullptr);
  printDiagnostics(compilation.diagnostics.sorted(), compilation.source);
  if (compilation.refusal) return failed(*compilation.refusal, live ? untouchedState(live->process.pid()) : "");
  if (!compilation.patch) return PatchHasErrors;
  bool bundle = ir::isBundle(text->source.text());
  std::vector<const ir::Patch *> builds = {&*compilation.patch};
  for (const ir::Patch &other : compilation.otherBuilds)
    builds.push_back(&other);
  Bytes digest = bundle ? ir::statedDigest(asBytes(text->source.text())) : Bytes{};
  if (emit == Emit::Text)
    print(overview(builds, digest));
  else if (emit == Emit::Json)
    print(bundle ? bundleDocument(builds, digest) : irDocument(*builds.front()));
  else
    printIr(builds);
  return Done;
}

} // namespace lpc::driver
