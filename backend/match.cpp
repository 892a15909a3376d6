// Matching objects of a patch to modules of a process.
//
// The build-id decides, because addresses of one build mean nothing in another. A name alone decides only where one
// side has no build-id; then the recorded bytes of every changed place are what protects the process (plan.cpp).
#include "backend/match.h"

#include "frontend/target/paths.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

std::string buildIdText(const Bytes &buildId) {
  return buildId.empty() ? "(no build-id)" : "build-id " + toHex(buildId);
}

bool sameName(const ir::Object &object, const runtime::Module &module) {
  if (!object.soname.empty()) return object.soname == module.soname || object.soname == target::fileNameOf(module.path);
  return target::fileNameOf(object.path) == target::fileNameOf(module.path);
}

std::unexpected<Error> mismatch(const ir::Patch &patch, const ir::Object &object, const runtime::Process &process,
                                const runtime::Module &module) {
  Error error{DiagnosticId::BuildIdMismatch,
              object.name == "target"
                  ? cat("process ", process.pid(), " does not run the program that this patch is for")
                  : cat("process ", process.pid(), " has loaded another build of `", object.name,
                        "` than the one this patch is for")};
  Note builds{""};
  builds.lines = {cat("patch    ", patch.name, "  ", object.path, "  ", buildIdText(object.buildId)),
                  cat("process  ", process.pid(), "  ", module.path, "  ", buildIdText(module.buildId))};
  error.notes.push_back(std::move(builds));
  error.help = cat("check the patch against what runs: lpc check --pid ", process.pid());
  return std::unexpected(std::move(error));
}

} // namespace

Result<std::vector<size_t>> matchObjects(const ir::Patch &patch, const runtime::Process &process,
                                         const Snapshot &snapshot) {
  std::vector<size_t> matched;
  for (size_t i = 0; i < patch.objects.size(); i++) {
    const ir::Object &object = patch.objects[i];
    std::optional<size_t> found;
    for (size_t m = 0; m < snapshot.modules.size() && !found; m++)
      if (!object.buildId.empty() && snapshot.modules[m].buildId == object.buildId) found = m;
    for (size_t m = 0; m < snapshot.modules.size() && !found; m++) {
      const runtime::Module &module = snapshot.modules[m];
      bool candidate = i == 0 && object.soname.empty() ? module.isProgram : sameName(object, module);
      if (!candidate) continue;
      if (!object.buildId.empty() && !module.buildId.empty()) return mismatch(patch, object, process, module);
      found = m;
    }
    if (!found)
      return fail(DiagnosticId::UnknownObject, cat("process ", process.pid(), " has not loaded `", object.name, "`"),
                  "`lpc check --pid` shows what it has loaded");
    matched.push_back(*found);
  }
  return matched;
}

} // namespace lpc::backend
