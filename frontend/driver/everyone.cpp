// The build-id is read from each process's memory, so a program that was replaced on disk, lies at another path or in a
// container is found by what it is.
#include "frontend/driver/everyone.h"

#include <unistd.h>

#include <algorithm>

#include "frontend/driver/outcome_report.h"
#include "ir/support/cat.h"
#include "runtime/process_list.h"

namespace lpc::driver {
namespace {

template <class Wanted> Everyone everyone(Wanted wanted) {
  Everyone out;
  for (pid_t pid : runtime::processIds()) {
    if (pid == getpid()) continue;
    Result<bool> is = wanted(pid);
    if (is && *is)
      out.pids.push_back(pid);
    else if (!is && is.error().id == DiagnosticId::NotPermitted)
      out.notPermitted++;
  }
  return out;
}

std::string hiddenText(size_t count) {
  return cat(count, count == 1 ? " process" : " processes", " could not be looked at: not permitted");
}

} // namespace

Everyone everyoneWith(const std::vector<Bytes> &builds) {
  return everyone([&](pid_t pid) -> Result<bool> {
    Result<LiveProcess> live = LiveProcess::open(pid);
    if (!live) return std::unexpected(std::move(live.error()));
    return std::ranges::any_of(live->snapshot.modules, [&](const runtime::Module &module) {
      return std::ranges::find(builds, module.buildId) != builds.end();
    });
  });
}

Everyone everyonePatched(const std::string &name) {
  return everyone([&](pid_t pid) -> Result<bool> {
    Result<Applied> applied = appliedTo(pid);
    if (!applied) return std::unexpected(std::move(applied.error()));
    return std::ranges::any_of(applied->patches,
                               [&](const backend::FoundRecord &found) { return found.record.name == name; });
  });
}

Result<std::vector<Bytes>> targetBuilds(const Compilation &compilation) {
  std::vector<Bytes> builds;
  auto add = [&](const ir::Patch &patch) {
    if (!patch.objects.empty() && !patch.objects.front().buildId.empty())
      builds.push_back(patch.objects.front().buildId);
  };
  if (compilation.patch) add(*compilation.patch);
  for (const ir::Patch &other : compilation.otherBuilds)
    add(other);
  if (builds.empty())
    return fail(DiagnosticId::Usage,
                "the program that the patch is for has no build-id, by which `--all` finds processes",
                "name the processes: --pid PID,…");
  return builds;
}

Error nobody(const Everyone &everyone, const std::string &what) {
  Error error{.id = DiagnosticId::NothingRuns, .message = cat("no process ", what)};
  if (everyone.notPermitted > 0) error.notes.push_back({hiddenText(everyone.notPermitted)});
  return error;
}

std::string tally(const std::vector<const backend::Outcome *> &outcomes, const Everyone &everyone) {
  std::vector<std::pair<std::string, size_t>> counts;
  for (const backend::Outcome *outcome : outcomes) {
    std::string result = resultName(outcome->kind);
    auto known = std::ranges::find(counts, result, &std::pair<std::string, size_t>::first);
    if (known == counts.end())
      counts.emplace_back(result, 1);
    else
      known->second++;
  }
  std::string out = cat(outcomes.size(), outcomes.size() == 1 ? " process:" : " processes:");
  for (const auto &[result, count] : counts)
    out += cat(&result == &counts.front().first ? " " : ", ", count, " ", result);
  if (everyone.notPermitted > 0) out += "; " + hiddenText(everyone.notPermitted);
  return out + "\n";
}

} // namespace lpc::driver
