// Detours stand near their sites, so they need arenas of their own, one for each module that is jumped from.
#include "backend/detours.h"

#include <sys/mman.h>

#include <algorithm>

#include "backend/layout.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t pages(uint64_t size) { return (size + kPage - 1) & ~(kPage - 1); }

Result<void> leadTo(RemoteAddress detour, const FarJump &jump, const Arch &arch, Bytes &bytes) {
  if (jump.field) {
    storeLittle(std::span(bytes).subspan(*jump.field, 4), static_cast<uint32_t>(detour - (jump.from + 4)));
    return {};
  }
  auto near = arch.jump(jump.from, detour);
  if (!near) return std::unexpected(std::move(near.error()));
  bytes = std::move(*near);
  return {};
}

} // namespace

Result<void> placeDetours(std::vector<FarJump> jumps, const Snapshot &snapshot, const Arch &arch, unsigned attempt,
                          std::vector<runtime::Mapping> &maps, Plan &plan) {
  uint64_t size = arch.farJump({}).size();
  while (!jumps.empty()) {
    const runtime::Module *module = runtime::moduleAt(snapshot.modules, jumps[0].from);
    std::vector<FarJump> group, rest;
    for (const FarJump &jump : jumps)
      (runtime::moduleAt(snapshot.modules, jump.from) == module && (module || group.empty()) ? group : rest)
          .push_back(jump);
    auto [first, last] = std::ranges::minmax(group, {}, &FarJump::from);
    auto arena = findArena(maps, {first.from, last.from + 1}, arch.reach(), {{group.size() * size, kPage}}, attempt);
    if (!arena) return std::unexpected(std::move(arena.error()));
    PlannedMemory detours{"(detours)",
                          {},
                          arena->addresses[0],
                          group.size() * size,
                          {{0, pages(group.size() * size), PROT_READ | PROT_EXEC}},
                          {}};
    for (const FarJump &jump : group) {
      RemoteAddress detour = detours.address + detours.content.size();
      if (auto led = leadTo(detour, jump, arch, plan.changes[jump.change].newBytes); !led) return led;
      std::ranges::copy(arch.farJump(jump.to), std::back_inserter(detours.content));
    }
    plan.mappings.push_back(arena->mapping);
    plan.memories.push_back(std::move(detours));
    jumps = std::move(rest);
  }
  return {};
}

} // namespace lpc::backend
