// A module's code and what it refers to lie close together, and one mapping serves all of its hooks. (Hooks of several
// modules can be gigabytes apart.) Nothing of this memory is ever writable in the process.
#include "backend/originals.h"

#include <sys/mman.h>

#include <algorithm>

#include "backend/layout.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t pages(uint64_t size) { return (size + kPage - 1) & ~(kPage - 1); }

RemoteRange hullOf(const std::vector<const HookedCode *> &group) {
  RemoteRange hull{group[0]->site, group[0]->site + 1};
  for (const HookedCode *hooked : group) {
    std::vector<uint64_t> targets = hooked->code.refersTo();
    targets.push_back(hooked->site.value);
    for (uint64_t target : targets) {
      hull.begin = std::min(hull.begin, RemoteAddress{target});
      hull.end = std::max(hull.end, RemoteAddress{target} + 1);
    }
  }
  return hull;
}

} // namespace

Result<std::vector<RemoteAddress>> placeOriginals(const std::vector<HookedCode> &hooked, const Snapshot &snapshot,
                                                  const Arch &arch, unsigned attempt,
                                                  std::vector<runtime::Mapping> &maps, Plan &plan) {
  std::vector<RemoteAddress> addresses(hooked.size());
  std::vector<const runtime::Module *> modules;
  for (const HookedCode &each : hooked)
    modules.push_back(runtime::moduleAt(snapshot.modules, each.site));

  std::vector<bool> placed(hooked.size());
  for (size_t first = 0; first < hooked.size(); first++) {
    if (placed[first]) continue;
    std::vector<const HookedCode *> group;
    std::vector<size_t> indexes;
    uint64_t size = 0;
    for (size_t i = first; i < hooked.size(); i++) {
      bool together = i == first || (modules[i] == modules[first] && modules[i] != nullptr);
      if (placed[i] || !together) continue;
      placed[i] = true;
      group.push_back(&hooked[i]);
      indexes.push_back(i);
      size += hooked[i].code.size();
    }
    auto arena = findArena(maps, hullOf(group), arch.reach(), {{size, kPage}}, attempt);
    if (!arena) return std::unexpected(std::move(arena.error()));
    PlannedMemory memory{
        "(originals)", {}, arena->addresses[0], size, {{0, pages(size), PROT_READ | PROT_EXEC}}, {}, {}};
    for (size_t i = 0; i < group.size(); i++) {
      RemoteAddress at = memory.address + memory.content.size();
      auto bytes = group[i]->code.at(at.value);
      if (!bytes) return std::unexpected(std::move(bytes.error()));
      memory.content.insert(memory.content.end(), bytes->begin(), bytes->end());
      memory.functions.push_back({cat("(original of ", group[i]->function, ")"), {at, at + bytes->size()}, 0});
      if (group[i]->replacement) memory.functions.push_back(*group[i]->replacement);
      addresses[indexes[i]] = at;
    }
    plan.mappings.push_back(arena->mapping);
    plan.memories.push_back(std::move(memory));
  }
  return addresses;
}

} // namespace lpc::backend
