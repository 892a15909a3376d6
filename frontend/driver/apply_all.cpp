// lpc apply PATCH --all
//
// The patch is checked against its own files first, for mistakes in it and for the build-ids of the program. What a
// worker finds out about one kind of process (the same files loaded) serves for all others of that kind.
#include <map>

#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/crowd_report.h"
#include "frontend/driver/exit_status.h"
#include "frontend/resolved.h"
#include "ir/bundle/bundle.h"

namespace lpc::driver {
namespace {

constexpr size_t kMostLearned = size_t{16} << 20; // bytes: larger ones are quicker compiled again than sent

class ApplyAll {
public:
  ApplyAll(const PatchText &text, const Names &names, const Arguments &arguments)
      : text_(text), arguments_(arguments), compiler_(text, names), resolved_(isResolved(text.source.text())) {}

  Crowd run(const Wanted &wanted) {
    return doForAll({.command = "lpc apply",
                     .look = [&](pid_t pid) { return lookFor(wanted, pid); },
                     .work = [&](LiveProcess live,
                                 const runtime::SideBySide::Waits &waits) { return work(std::move(live), waits); },
                     .before = [&](const LiveProcess &live) { before(live); },
                     .learn = [&](pid_t pid, const Bytes &bundle) { learn(pid, bundle); }});
  }

private:
  // A bundle is the user's own file, and to choose a build of it is no work. Everything else means reading files of the
  // process, for the worker.
  void before(const LiveProcess &live) {
    if (resolved_)
      (void)compiler_.compileFor(live);
    else
      kinds_[live.process.pid()] = Compiler::kindOf(live);
  }

  Answer work(LiveProcess live, const runtime::SideBySide::Waits &waits) {
    std::string program = live.process.executable();
    auto kind = Compiler::kindOf(live);
    bool fresh = !resolved_ && kind && !compiler_.knows(*kind);
    backend::PlayOptions options = playOptions(arguments_);
    options.giveUp = waits;
    Attempt attempt = applyTo(compiler_, std::move(live), options);
    Answer answer{.row = rowOf("lpc apply", text_, program, attempt)};
    if (fresh && attempt.compilation && attempt.compilation->patch && compiler_.knows(*kind))
      if (auto bundle = ir::writeBundle({.builds = {*attempt.compilation->patch}});
          bundle && bundle->size() <= kMostLearned)
        answer.learned = std::move(*bundle);
    return answer;
  }

  void learn(pid_t pid, const Bytes &bytes) {
    auto kind = kinds_.find(pid);
    if (kind == kinds_.end() || !kind->second || compiler_.knows(*kind->second)) return;
    if (auto bundle = ir::readBundle(bytes))
      compiler_.learn(std::move(*kind->second), std::move(bundle->builds.front()));
    kinds_.erase(kind);
  }

  const PatchText &text_;
  const Arguments &arguments_;
  Compiler compiler_;
  bool resolved_;
  std::map<pid_t, std::optional<Compiler::Kind>> kinds_;
};

} // namespace

int applyToAll(const PatchText &text, const Arguments &arguments) {
  Names names{arguments.target, arguments.objects, arguments.warnings};
  CrowdReport report{.command = "lpc apply",
                     .schema = "lpc.apply/1",
                     .patch = text.defaultName,
                     .file = arguments.operands.front(),
                     .nobody = "runs the program that the patch is for",
                     .crowd = {}};
  Compilation compilation = compile(text, names, nullptr);
  report.patch = compilation.name;
  std::vector<Diagnostic> diagnostics = compilation.diagnostics.sorted();
  if (compilation.diagnostics.hasErrors())
    return printNobodyTouched(report, diagnostics, compilation.source, PatchHasErrors, arguments.format);
  Result<Wanted> wanted = compilation.refusal ? std::unexpected(*compilation.refusal) : wantedBy(compilation);
  if (!wanted) {
    int status = statusOf(wanted.error().id);
    return printNobodyTouched(report, {toDiagnostic(std::move(wanted.error()))}, SourceText(report.command, ""), status,
                              arguments.format);
  }
  report.crowd = ApplyAll(text, names, arguments).run(*wanted);
  return printCrowd(report, arguments.format);
}

} // namespace lpc::driver
