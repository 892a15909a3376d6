// A heap of glibc is a chain of blocks (struct malloc_chunk of malloc/malloc.c): each has its size in its second word,
// whose lowest bit says whether the block before it is in use; the last one is the rest of the heap, and free. The
// first one stands at the start of [heap], and in the first heap of a further arena behind what describes that: two
// structures whose sizes change with versions. So it is looked for there, and a chain is one that ends exactly where
// the heap does.
#include "backend/free_blocks.h"

#include <algorithm>
#include <optional>

namespace lpc::backend {
namespace {

constexpr uint64_t kWord = 8, kFlags = 7, kInUse = 1, kLeast = 32, kAligned = 16;
constexpr uint64_t kMostRead = 32 << 20;
constexpr uint64_t kArenaAligned = 64 << 20; // HEAP_MAX_SIZE
constexpr uint64_t kMostDescribed = 4096;    // struct heap_info and struct malloc_state: some 2,300 bytes

// The free blocks of the chain that begins at `first`; nothing where there is none.
std::optional<std::vector<RemoteRange>> freeOf(BytesView heap, uint64_t first, RemoteAddress begin) {
  std::vector<RemoteRange> free;
  for (uint64_t at = first;;) {
    if (at + 2 * kWord > heap.size()) return std::nullopt;
    uint64_t size = loadLittle(heap.subspan(at + kWord, kWord)) & ~kFlags;
    if (size < kLeast || size % kAligned != 0 || size > heap.size() - at) return std::nullopt;
    uint64_t next = at + size;
    bool last = next == heap.size();
    if (!last && next + 2 * kWord > heap.size()) return std::nullopt;
    if (last || (loadLittle(heap.subspan(next + kWord, kWord)) & kInUse) == 0)
      free.push_back({begin + at + 2 * kWord, begin + next});
    if (last) return free;
    at = next;
  }
}

} // namespace

std::vector<RemoteRange> FreeBlocks::freeIn(const runtime::Mapping &mapping) const {
  const bool first = mapping.path == "[heap]";
  const bool arena = mapping.inode == 0 && mapping.path.empty() && mapping.range.begin.value % kArenaAligned == 0;
  if ((!first && !arena) || !mapping.writable || mapping.range.size() > kMostRead) return {};
  auto heap = process_.read(mapping.range.begin, mapping.range.size());
  const uint64_t last = first ? 0 : std::min<uint64_t>(kMostDescribed, mapping.range.size());
  for (uint64_t at = 0; heap && at <= last; at += kAligned)
    if (auto free = freeOf(*heap, at, mapping.range.begin)) return *free;
  return {};
}

const FreeBlocks::Heap &FreeBlocks::heapAt(const runtime::Mapping &mapping) {
  auto known = std::ranges::find(heaps_, mapping.range, &Heap::mapping);
  if (known != heaps_.end()) return *known;
  return heaps_.emplace_back(mapping.range, freeIn(mapping));
}

bool FreeBlocks::contain(RemoteAddress at) {
  const runtime::Mapping *mapping = runtime::mappingAt(maps_, at);
  if (!mapping) return false;
  const std::vector<RemoteRange> &free = heapAt(*mapping).free;
  auto behind = std::ranges::upper_bound(free, at, {}, &RemoteRange::begin);
  return behind != free.begin() && (behind - 1)->contains(at);
}

} // namespace lpc::backend
