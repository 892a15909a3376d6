// One mapping for all memories of a patch: one mmap to make it, one munmap to take it away, and one place to look for.
#include "backend/layout.h"

#include <algorithm>

#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t alignUp(uint64_t value, uint64_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }

} // namespace

Result<Arena> findArena(std::vector<runtime::Mapping> &maps, RemoteRange near, uint64_t reach,
                        const std::vector<Room> &rooms, unsigned attempt) {
  uint64_t alignment = kPage, size = 0;
  for (const Room &room : rooms) {
    alignment = std::max(alignment, room.alignment);
    size = alignUp(size, std::max(room.alignment, kPage)) + alignUp(room.size, kPage);
  }
  // freeSpace() knows pages; a larger alignment is found inside a range that is longer by as much.
  uint64_t slack = alignment - kPage;
  auto candidates = runtime::freeSpace(maps, near, size + slack, reach);
  if (candidates.size() <= attempt)
    return fail(DiagnosticId::NoSpaceInReach, cat("the process has no ", size + slack, " free bytes within ",
                                                  reach >> 20, " MiB of the code at ", hexAddress(near.begin)));
  Arena arena{{RemoteAddress{alignUp(candidates[attempt].value, alignment)}, size}, {}};
  RemoteAddress next = arena.mapping.address;
  for (const Room &room : rooms) {
    next = {alignUp(next.value, std::max(room.alignment, kPage))};
    arena.addresses.push_back(next);
    next = next + alignUp(room.size, kPage);
  }
  runtime::Mapping taken;
  taken.range = {arena.mapping.address, arena.mapping.address + size};
  maps.insert(
      std::ranges::lower_bound(maps, taken.range.begin, {}, [](const runtime::Mapping &m) { return m.range.begin; }),
      taken);
  return arena;
}

} // namespace lpc::backend
