// Where in a process there is room for memory of ours, near its code.
//
// The gaps between mappings are not equally good. Above the heap (and above the last variables of a program that has no
// heap yet) brk grows; below a stack the stack does. Memory there would one day be in the way, and the program would
// see its malloc or a deep recursion fail. So a wide strip is left there, and the rest of such a gap is used from its
// far end. Below the text nothing grows. The end of a gap that touches other mappings is left free by a page, so that
// an overrun in the program hits nothing of ours.
#include <algorithm>

#include "runtime/maps.h"

namespace lpc::runtime {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kLowest = 1 << 20; // vm.mmap_min_addr is 64 KiB by default; null pointers with offsets reach further
constexpr uint64_t kHighest = 0x7ffffffff000; // the end of user addresses with 4-level page tables, less a page
constexpr uint64_t kHeapStrip = uint64_t{1} << 30;
constexpr uint64_t kStackStrip = uint64_t{256} << 20;

uint64_t up(uint64_t value) { return (value + kPage - 1) & ~(kPage - 1); }
uint64_t down(uint64_t value) { return value & ~(kPage - 1); }
uint64_t minus(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }
uint64_t plus(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

// Addresses at which a range may start.
struct Starts {
  uint64_t first = 0, last = 0; // both included, both on a page
  uint64_t best = 0;            // the one nearest to the code, or farthest from what grows
  uint64_t distance = 0;        // from `near` to `best`
  bool below = false;
};

// Does the mapping below a gap grow into it? Without a mapping named [heap], brk starts at some random distance above
// the variables of the program, which are writable and lie below a gap.
bool growsUp(const Mapping &lower, bool hasHeap) { return lower.path == "[heap]" || (!hasHeap && lower.writable); }
bool growsDown(const Mapping &upper) { return upper.path.starts_with("[stack"); }

std::optional<Starts> startsIn(uint64_t begin, uint64_t end, RemoteRange near, uint64_t size, uint64_t reach,
                               bool fromTop) {
  // Every byte of the range within reach of every byte of `near`.
  uint64_t first = up(std::max(begin, minus(near.end.value, reach)));
  uint64_t limit = std::min(end, plus(near.begin.value, reach));
  if (limit < size || first > down(limit - size)) return std::nullopt;
  Starts starts{.first = first, .last = down(limit - size)};
  starts.below = starts.first < near.begin.value;
  starts.best = starts.below || fromTop ? starts.last : starts.first;
  starts.distance = starts.below ? near.begin.value - starts.best : starts.best - near.end.value;
  return starts;
}

} // namespace

std::vector<RemoteAddress> freeSpace(const std::vector<Mapping> &maps, RemoteRange near, uint64_t size,
                                     uint64_t reach) {
  if (size == 0 || size > kHighest) return {};
  size = up(size);
  bool hasHeap = std::ranges::any_of(maps, [](const Mapping &m) { return m.path == "[heap]"; });
  std::vector<Starts> gaps;
  auto consider = [&](const Mapping *lower, const Mapping *upper) {
    bool heap = lower && growsUp(*lower, hasHeap);
    uint64_t begin = lower ? plus(lower->range.end.value, heap ? kHeapStrip : kPage) : kLowest;
    uint64_t end = kHighest;
    if (upper) end = std::min(end, minus(upper->range.begin.value, growsDown(*upper) ? kStackStrip : kPage));
    if (begin >= end) return;
    if (auto starts = startsIn(begin, end, near, size, reach, heap)) gaps.push_back(*starts);
  };
  const Mapping *lower = nullptr;
  for (const Mapping &mapping : maps) {
    consider(lower, &mapping);
    lower = &mapping;
  }
  consider(lower, nullptr);

  std::ranges::sort(
      gaps, [](const Starts &a, const Starts &b) { return a.below != b.below ? a.below : a.distance < b.distance; });

  // First the best place of each gap; then others in the same gaps, for when the process has mapped something
  // meanwhile.
  constexpr size_t kMost = 64;
  std::vector<RemoteAddress> candidates;
  auto add = [&](uint64_t address) {
    RemoteAddress candidate{address};
    if (candidates.size() < kMost && std::ranges::find(candidates, candidate) == candidates.end())
      candidates.push_back(candidate);
  };
  for (const Starts &gap : gaps)
    if (candidates.size() < kMost / 2) add(gap.best);
  for (unsigned quarter : {2U, 1U, 3U, 0U, 4U})
    for (const Starts &gap : gaps)
      add(down(gap.first + (gap.last - gap.first) / 4 * quarter));
  return candidates;
}

} // namespace lpc::runtime
