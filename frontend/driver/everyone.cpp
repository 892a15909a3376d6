// The build-id is read from each process's memory, so a program that was replaced on disk, lies at another path or in a
// container is found by what it is.
#include "frontend/driver/everyone.h"

#include <algorithm>

#include "runtime/outline.h"

namespace lpc::driver {
namespace {

// In /proc/PID/maps of a process with patches.
const std::string kRegistry = "memfd:livepatch";

// A process that could not be opened. Only what it seems to be is known of it.
Sight unseen(Error why, pid_t pid, const std::vector<std::string> &names) {
  auto seems = [&] {
    return std::ranges::any_of(names, [&](const std::string &name) { return runtime::seemsToHave(pid, name); });
  };
  switch (why.id) {
  case DiagnosticId::ProcessChanged: return {.kind = Sight::Kind::Moving};
  case DiagnosticId::PendingVfork: return {.kind = Sight::Kind::Moving}; // it is about to execute a program, or to end
  case DiagnosticId::NotPermitted:
  case DiagnosticId::AlreadyTraced:
  case DiagnosticId::SharedMemory:
  case DiagnosticId::CannotOpen:
    if (seems()) return {.kind = Sight::Kind::Refused, .live = {}, .why = std::move(why)};
    return {.kind = why.id == DiagnosticId::NotPermitted ? Sight::Kind::Hidden : Sight::Kind::Other};
  default: return {};
  }
}

std::string fileName(const std::string &path) { return path.substr(path.rfind('/') + 1); }

} // namespace

Result<Wanted> wantedBy(const Compilation &compilation) {
  Wanted wanted;
  auto add = [&](const ir::Patch &patch) {
    if (patch.objects.empty() || patch.objects.front().buildId.empty()) return;
    wanted.builds.push_back(patch.objects.front().buildId);
    wanted.fileNames.push_back(fileName(patch.objects.front().path));
  };
  if (compilation.patch) add(*compilation.patch);
  for (const ir::Patch &other : compilation.otherBuilds)
    add(other);
  if (wanted.builds.empty())
    return fail(DiagnosticId::Usage,
                "the program that the patch is for has no build-id, by which `--all` finds processes",
                "name the processes: --pid PID,…");
  return wanted;
}

Sight lookFor(const Wanted &wanted, pid_t pid) {
  Result<LiveProcess> live = LiveProcess::open(pid);
  if (!live) return unseen(std::move(live.error()), pid, wanted.fileNames);
  bool has = std::ranges::any_of(live->snapshot.modules, [&](const runtime::Module &module) {
    return std::ranges::find(wanted.builds, module.buildId) != wanted.builds.end();
  });
  if (!has) return {};
  return {.kind = Sight::Kind::Wanted, .live = std::move(*live), .why = {}};
}

Sight lookForPatch(const std::string &name, pid_t pid) {
  Result<runtime::Process> process = runtime::Process::open(pid);
  if (!process) return unseen(std::move(process.error()), pid, {kRegistry});
  auto maps = runtime::readMaps(*process);
  if (!maps) return unseen(std::move(maps.error()), pid, {kRegistry});
  auto patches = backend::readRegistry(*process, *maps);
  if (!patches) {
    if (patches.error().id != DiagnosticId::CorruptRegistry)
      return unseen(std::move(patches.error()), pid, {kRegistry});
    return {.kind = Sight::Kind::Refused, .live = {}, .why = std::move(patches.error())};
  }
  bool has = std::ranges::any_of(*patches, [&](const backend::FoundRecord &found) {
    return found.record.name == name && found.record.state != backend::RecordState::Reverted;
  });
  if (!has) return {};
  return {.kind = Sight::Kind::Wanted,
          .live = LiveProcess{std::move(*process), {.maps = std::move(*maps), .modules = {}}},
          .why = {}};
}

} // namespace lpc::driver
