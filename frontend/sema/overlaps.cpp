// Sorted by region and start, a change overlaps an earlier one of the order exactly when it starts before the furthest
// end so far. So one pass finds every change that overlaps any; it is compared with the one that reaches furthest, and
// not with all that it overlaps, for n changes of one byte range would make n² pairs.
#include "frontend/sema/overlaps.h"

#include <algorithm>
#include <map>

#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

void sort(std::vector<Change> &changes) {
  std::ranges::stable_sort(changes, {}, [](const Change &c) { return std::pair(c.region, c.begin); });
}

// The last byte, so that nothing wraps at the end of the address space.
uint64_t last(const Change &change) { return change.begin + (change.size - 1); }

} // namespace

void checkOverlaps(std::vector<Change> changes, Context &context) {
  std::erase_if(changes, [](const Change &c) { return c.size == 0; });
  sort(changes);
  std::map<Place, std::pair<const Change *, std::vector<const Change *>>> findings; // by the later statement
  const Change *furthest = nullptr;
  for (const Change &change : changes) {
    if (furthest != nullptr && furthest->region == change.region && change.begin <= last(*furthest)) {
      const auto &[earlier, later] =
          std::minmax(*furthest, change, [](const Change &a, const Change &b) { return a.place < b.place; });
      auto &finding = findings[later.place];
      finding.first = &later;
      finding.second.push_back(&earlier);
      if (last(change) <= last(*furthest)) continue;
    }
    furthest = &change;
  }
  for (const auto &[place, finding] : findings) {
    const auto &[later, earlier] = finding;
    Diagnostic &d = context.report(DiagnosticId::OverlappingChanges, place,
                                   cat("the bytes at `", later->written, "` are changed by another statement too"));
    for (const Change *other : earlier) {
      uint64_t begin = std::max(later->begin, other->begin), end = std::min(last(*later), last(*other));
      d.notes.push_back({cat("it changes ", end - begin + 1, " of them here"), other->place});
    }
  }
}

void checkDestinations(std::vector<Change> jumps, const std::vector<Destination> &destinations, Context &context) {
  sort(jumps);
  for (const Destination &to : destinations) {
    // The last jump that begins before the destination is the only one it can be inside of: jumps don't overlap.
    auto next = std::ranges::lower_bound(jumps, std::pair(to.region, to.offset), {},
                                         [](const Change &c) { return std::pair(c.region, c.begin); });
    if (next == jumps.begin()) continue;
    const Change &jump = *std::prev(next);
    if (jump.region != to.region || to.offset > last(jump)) continue;
    Diagnostic &d = context.report(DiagnosticId::BranchIntoSite, to.place,
                                   cat("`", to.written, "` is inside the bytes that another statement overwrites"));
    d.notes.push_back({cat(jump.size, " bytes are overwritten here"), jump.place});
  }
}

} // namespace lpc::sema
