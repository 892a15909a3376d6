// Choosing among the builds of a bundle. The build-ids of all objects that a patch speaks of decide, the program's
// first: where its build is there but a library is another one, the planner says which (backend/match.h).
#include "frontend/resolved.h"

#include <algorithm>

#include "frontend/target/elf_file.h"
#include "ir/bundle/bundle.h"
#include "ir/support/cat.h"
#include "ir/text.h"

namespace lpc {
namespace {

// The first line of the text form names its version; in the language it is a comment that nobody writes.
bool isIrText(std::string_view text) { return text.starts_with("# lpir "); }

Error usage(std::string message, std::string help) {
  return {.id = DiagnosticId::Usage, .message = std::move(message), .notes = {}, .help = std::move(help), .place = {}};
}

std::string buildText(const std::string &path, const Bytes &buildId) {
  return cat(path, "  ", buildId.empty() ? "no build-id" : "build-id " + toHex(buildId));
}

// What is there to choose for: build-ids of the program and of what it has loaded.
struct Wanted {
  std::vector<Bytes> builds;
  std::string what;    // "process 4711", "`./server`"
  std::string running; // the line of the note
  std::string path;    // for `lpc build --target`
};

Wanted wantedBy(const LiveProcess &live) {
  Wanted out;
  for (const runtime::Module &module : live.snapshot.modules)
    if (!module.buildId.empty()) out.builds.push_back(module.buildId);
  const runtime::Module &program = live.snapshot.modules.front();
  pid_t pid = live.process.pid();
  out.what = cat("process ", pid);
  out.running = buildText(program.path, program.buildId);
  out.path = cat("/proc/", pid, "/exe");
  return out;
}

Result<Wanted> wantedBy(const std::string &target) {
  auto file = target::ElfFile::open(target, target);
  if (!file) return std::unexpected(std::move(file.error()));
  Wanted out;
  if (!(*file)->buildId().empty()) out.builds.push_back((*file)->buildId());
  out.what = cat("`", target, "`");
  out.running = buildText(target, (*file)->buildId());
  out.path = target;
  return out;
}

bool has(const Wanted &wanted, const ir::Object &object) {
  return object.buildId.empty() || std::ranges::find(wanted.builds, object.buildId) != wanted.builds.end();
}

// The index of the build; the planner has the last word about one that has no build-id.
Result<size_t> choose(const ir::Bundle &bundle, const Wanted &wanted, const std::string &file) {
  std::optional<size_t> half;
  for (size_t i = 0; i < bundle.builds.size(); i++) {
    const std::vector<ir::Object> &objects = bundle.builds[i].objects;
    if (std::ranges::all_of(objects, [&](const ir::Object &object) { return has(wanted, object); })) return i;
    if (!half && has(wanted, objects.front())) half = i;
  }
  if (half) return *half;
  Error error{.id = DiagnosticId::BuildIdMismatch,
              .message = cat("`", file, "` has no build for ", wanted.what),
              .notes = {{"the bundle has:"}, {"what runs has:"}},
              .help = cat("build it for that one, too: lpc build PATCH.lp --target ", wanted.path, " -o ", file),
              .place = {}};
  for (const ir::Patch &build : bundle.builds)
    error.notes[0].lines.push_back(buildText(build.objects.front().path, build.objects.front().buildId));
  error.notes[1].lines.push_back(wanted.running);
  return std::unexpected(std::move(error));
}

Result<std::vector<ir::Patch>> readPatches(const PatchText &text, const Names &names, const LiveProcess *live) {
  if (isIrText(text.source.text())) {
    Result<ir::Patch> patch = ir::parseText(text.source.text());
    if (!patch) return std::unexpected(std::move(patch.error()));
    return std::vector<ir::Patch>{std::move(*patch)};
  }
  Result<ir::Bundle> bundle = ir::readBundle(asBytes(text.source.text()));
  if (!bundle) return std::unexpected(std::move(bundle.error()));
  Result<Wanted> wanted;
  if (live != nullptr)
    wanted = wantedBy(*live);
  else if (names.target)
    wanted = wantedBy(*names.target);
  else
    return std::move(bundle->builds);
  if (!wanted) return std::unexpected(std::move(wanted.error()));
  Result<size_t> chosen = choose(*bundle, *wanted, text.source.name());
  if (!chosen) return std::unexpected(std::move(chosen.error()));
  return std::vector<ir::Patch>{std::move(bundle->builds[*chosen])};
}

} // namespace

bool isResolved(std::string_view text) { return isIrText(text) || ir::isBundle(text); }

Compilation readResolved(const PatchText &text, const Names &names, const LiveProcess *live) {
  Compilation out{.name = text.defaultName, .source = text.source, .diagnostics = {}};
  bool bundle = !isIrText(text.source.text());
  if (bundle) out.source = SourceText(text.source.name(), ""); // no lines to show
  if (!names.objects.empty() || (names.target && (!bundle || live != nullptr))) {
    out.refusal = usage(
        cat("`", text.source.name(), "` is ", bundle ? "a bundle" : "IR", ", in which every name is resolved already"),
        "leave out `--target` and `--object`, or give the patch that it was made from");
    return out;
  }
  Result<std::vector<ir::Patch>> patches = readPatches(text, names, live);
  if (!patches) {
    if (patches.error().id == DiagnosticId::BuildIdMismatch)
      out.refusal = std::move(patches.error());
    else
      out.diagnostics.add(toDiagnostic(std::move(patches.error())));
    return out;
  }
  out.patch = std::move(patches->front());
  patches->erase(patches->begin());
  out.otherBuilds = std::move(*patches);
  out.name = out.patch->name;
  out.source = SourceText(out.patch->source, ""); // places are those of the file that it was written in
  return out;
}

} // namespace lpc
