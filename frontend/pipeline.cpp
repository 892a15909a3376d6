// The pipeline. Kept in one file and in the order of the stages, so that it can be read from top to bottom; whatever
// needs more than a few lines belongs to the stage's own library.
#include "frontend/pipeline.h"

#include <algorithm>

#include "frontend/driver/bound_ifuncs.h"
#include "frontend/driver/same_program.h"
#include "frontend/lower.h"
#include "frontend/parse/parse.h"
#include "frontend/resolved.h"
#include "frontend/sema/sema.h"
#include "frontend/target/objects.h"
#include "ir/support/cat.h"

namespace lpc {
namespace {

std::string inFolder(const std::string &folder, const std::string &file) {
  return folder.empty() || file.starts_with('/') ? file : folder + "/" + file;
}

// The program whose symbols the patch names: what the command line says, else what the patch says, else what runs.
std::optional<target::ObjectSource> program(const PatchText &text, const sema::Headers &headers, const Names &names,
                                            const LiveProcess *live) {
  if (names.target) return target::ObjectSource{"target", "", *names.target, *names.target};
  if (headers.target)
    return target::ObjectSource{"target", "", inFolder(text.folder, headers.target->file.text),
                                headers.target->file.text};
  if (live != nullptr) {
    const runtime::Module &module = live->snapshot.modules.front();
    return target::ObjectSource{"target", module.soname, module.openPath, module.path};
  }
  return std::nullopt;
}

// All objects that the patch can speak of; with a process, just what it has loaded, of which `itself` is the program
// (or the library) that the patch is for.
Result<target::Objects> openObjects(target::ObjectSource program, const Names &names, const LiveProcess *live,
                                    size_t itself) {
  std::vector<target::ObjectSource> sources = {std::move(program)};
  for (size_t i = 0; live != nullptr && i < live->snapshot.modules.size(); i++) {
    const runtime::Module &module = live->snapshot.modules[i];
    if (i != itself && !module.isVdso) // the vdso is the kernel's, and no file
      sources.push_back(
          {module.soname.empty() ? module.path : module.soname, module.soname, module.openPath, module.path});
  }
  Result<target::Objects> objects = target::Objects::open(std::move(sources), live != nullptr);
  if (!objects) return objects;
  for (const ObjectFile &object : names.objects)
    if (auto added = objects->addAlias(object.name, object.file, object.file); !added)
      return std::unexpected(std::move(added.error()));
  return objects;
}

// The first error of the patch stands for all of them: they are printed with their places.
Error firstError(const Compilation &compilation) {
  for (const Diagnostic &diagnostic : compilation.diagnostics.sorted())
    if (diagnostic.severity == Severity::Error)
      return {.id = diagnostic.id, .message = diagnostic.message, .notes = {}, .help = {}, .place = diagnostic.place};
  LPC_CHECK(!"a compilation without a patch has an error");
  return {};
}

// The executor's own look at the process counts as resolving, too.
void addFirst(backend::Phase phase, std::vector<backend::Phase> &phases) {
  if (!phases.empty() && phases.front().name == phase.name)
    phases.front().microseconds += phase.microseconds;
  else
    phases.insert(phases.begin(), std::move(phase));
}

// text → ir for one process: the patch, or nothing and an outcome that says why. Returns how long it took.
backend::Phase resolve(Compiler &compiler, const LiveProcess &live, Attempt &attempt) {
  auto begin = runtime::Clock::now();
  attempt.compilation = compiler.compileFor(live);
  // Files of a process that ended meanwhile can't be opened; that is no fault of the patch.
  if (!attempt.compilation->patch)
    if (auto same = live.process.stillSame(); !same) {
      Compilation refused{.name = attempt.compilation->name, .source = attempt.compilation->source, .diagnostics = {}};
      refused.refusal = std::move(same.error());
      attempt.compilation = std::make_shared<const Compilation>(std::move(refused));
    }
  const Compilation &compilation = *attempt.compilation;
  if (!compilation.patch)
    attempt.outcome = untouched(attempt.pid, compilation.refusal ? *compilation.refusal : firstError(compilation));
  auto taken = std::chrono::duration_cast<std::chrono::microseconds>(runtime::Clock::now() - begin);
  return {"resolve", static_cast<uint64_t>(taken.count())};
}

} // namespace

std::string untouchedState(pid_t pid, std::optional<DiagnosticId> reason) {
  bool gone = reason == DiagnosticId::ProcessGone || reason == DiagnosticId::NoSuchProcess;
  return gone ? cat("there is no process ", pid, "; nothing was changed")
              : cat("process ", pid, " was not stopped; nothing was changed");
}

backend::Outcome untouched(pid_t pid, Error reason) {
  backend::Outcome outcome;
  outcome.kind = reason.id == DiagnosticId::ProcessGone ? backend::OutcomeKind::Gone : backend::OutcomeKind::Refused;
  outcome.state = untouchedState(pid, reason.id);
  outcome.reason = std::move(reason);
  return outcome;
}

Result<LiveProcess> LiveProcess::open(pid_t pid) {
  Result<runtime::Process> process = runtime::Process::open(pid);
  if (!process) return std::unexpected(std::move(process.error()));
  Result<backend::Snapshot> snapshot = backend::look(*process);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  return LiveProcess{std::move(*process), std::move(*snapshot)};
}

Compilation compile(const PatchText &text, const Names &names, const LiveProcess *live) {
  Compilation result{.name = text.defaultName, .source = text.source, .diagnostics = {}};
  if (isResolved(text.source.text())) return readResolved(text, names, live);

  // A line that does not parse is one error; the others are checked all the same.
  ast::File file = parse(text.source, result.diagnostics);
  sema::Headers headers = sema::headers(file);
  if (headers.patch) result.name = headers.patch->name.text;

  // Every name is looked up in one program and the libraries that belong to it.
  Place said = headers.target && !names.target ? headers.target->file.place : Place{};
  auto where = program(text, headers, names, live);
  if (!where) {
    result.diagnostics.report(DiagnosticId::MissingTarget, {}, "the patch does not say which program it is for").help =
        "write `target FILE` into it, or give `--target ELF` or `--pid PID`";
    return result;
  }
  // Addresses of one build mean nothing in another: before they are looked up, the process must run this one.
  size_t itself = 0;
  if (live != nullptr && (names.target || headers.target)) {
    if (auto given = target::ElfFile::open(where->path, where->shown)) {
      auto module = driver::moduleOfTarget(text.source.name(), **given, *live);
      if (!module) {
        result.refusal = std::move(module.error());
        return result;
      }
      itself = *module;
    }
  }
  Result<target::Objects> objects = openObjects(std::move(*where), names, live, itself);
  if (!objects) {
    // The file of a running program may be gone; the kernel still has it.
    if (live != nullptr && objects.error().id == DiagnosticId::CannotOpen && objects.error().help.empty())
      objects.error().help =
          cat("what process ", live->process.pid(), " runs is `--target /proc/", live->process.pid(), "/exe`");
    result.diagnostics.add(toDiagnostic(std::move(objects.error()), said));
    return result;
  }

  sema::Options options{.baseFolder = text.folder, .defaultName = text.defaultName, .source = text.source.name()};
  if (live != nullptr)
    options.implementationsOf = [&](size_t object, const target::Symbol &ifunc) {
      result.ofOneProcess = true;
      return driver::boundImplementations(object, ifunc, *objects, *live);
    };
  sema::Program program = sema::check(std::move(file), *objects, options, result.diagnostics);
  result.diagnostics = names.warnings.of(result.diagnostics);
  if (!result.diagnostics.hasErrors()) result.patch = lower(std::move(program));
  return result;
}

std::optional<Compiler::Kind> Compiler::kindOf(const LiveProcess &live) {
  Kind kind;
  for (const runtime::Module &module : live.snapshot.modules) {
    if (module.isVdso) continue;
    const runtime::Mapping *mapping = runtime::mappingAt(live.snapshot.maps, module.range.begin);
    if (module.buildId.empty() || mapping == nullptr || mapping->inode == 0) return std::nullopt;
    kind.push_back({module.path, module.buildId, mapping->device, mapping->inode});
  }
  return kind;
}

bool Compiler::knows(const Kind &kind) const {
  return std::ranges::find(done_, kind, [](const auto &entry) { return entry.first; }) != done_.end();
}

void Compiler::learn(Kind kind, ir::Patch patch) {
  Compilation compilation{.name = patch.name, .source = text_.source, .diagnostics = {}};
  compilation.patch = std::move(patch);
  done_.emplace_back(std::move(kind), std::make_shared<const Compilation>(std::move(compilation)));
}

std::shared_ptr<const Compilation> Compiler::compileFor(const LiveProcess &live) {
  std::optional<Kind> kind = kindOf(live);
  if (kind) {
    auto known = std::ranges::find(done_, *kind, [](const auto &entry) { return entry.first; });
    if (known != done_.end()) return known->second;
  }
  auto compilation = std::make_shared<const Compilation>(compile(text_, names_, &live));
  // A refusal names the process, so it is not for others.
  if (kind && !compilation->refusal && !compilation->ofOneProcess) done_.emplace_back(std::move(*kind), compilation);
  return compilation;
}

Attempt planFor(Compiler &compiler, pid_t pid) {
  Attempt attempt{.pid = pid};
  Result<LiveProcess> live = LiveProcess::open(pid);
  if (!live) {
    attempt.outcome = untouched(pid, std::move(live.error()));
    return attempt;
  }
  resolve(compiler, *live, attempt);
  if (!attempt.compilation->patch) return attempt;
  Result<backend::Plan> plan = backend::makePlan(*attempt.compilation->patch, live->process, live->snapshot, 0, true);
  if (!plan) {
    attempt.outcome = untouched(pid, std::move(plan.error()));
    return attempt;
  }
  if (auto alone = runtime::MemorySharers::none(live->process); !alone) {
    attempt.outcome = untouched(pid, std::move(alone.error()));
    return attempt;
  }
  attempt.threads = backend::verdictsOf(*plan, live->process, live->snapshot);
  attempt.plan = std::move(*plan);
  attempt.outcome.kind = backend::OutcomeKind::DryRun;
  attempt.outcome.state = untouchedState(pid);
  return attempt;
}

Attempt applyTo(Compiler &compiler, pid_t pid, const backend::PlayOptions &options) {
  Result<LiveProcess> live = LiveProcess::open(pid);
  if (live) return applyTo(compiler, std::move(*live), options);
  Attempt attempt{.pid = pid};
  attempt.outcome = untouched(pid, std::move(live.error()));
  return attempt;
}

Attempt applyTo(Compiler &compiler, LiveProcess live, const backend::PlayOptions &options) {
  Attempt attempt{.pid = live.process.pid()};
  backend::Phase resolved = resolve(compiler, live, attempt);
  if (attempt.compilation->patch)
    attempt.outcome = backend::apply(*attempt.compilation->patch, live.process, options, std::move(live.snapshot));
  addFirst(std::move(resolved), attempt.outcome.phases);
  return attempt;
}

backend::Outcome revertFrom(const std::string &name, pid_t pid, const backend::PlayOptions &options) {
  Result<runtime::Process> process = runtime::Process::open(pid);
  return process ? backend::revert(name, *process, options) : untouched(pid, std::move(process.error()));
}

Result<Applied> appliedTo(pid_t pid) {
  Result<LiveProcess> live = LiveProcess::open(pid);
  if (!live) return std::unexpected(std::move(live.error()));
  auto patches = backend::readRegistry(live->process, live->snapshot.maps);
  if (!patches) return std::unexpected(std::move(patches.error()));
  return Applied{pid, live->process.executable(), live->snapshot.modules.front().buildId, std::move(*patches)};
}

} // namespace lpc
