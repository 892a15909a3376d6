// `jmp a b` and `jmp b a` are each right and together an endless loop. Each jump has one destination, so the jumps form
// chains: every one is walked until it meets a jump that has been seen, and that one is on a circle exactly if this
// very walk has seen it.
#include "frontend/sema/cycles.h"

#include <algorithm>

#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

constexpr size_t kNone = SIZE_MAX;

// The jump that control meets at another one's destination: it is at its given address, or on the endbr64 before it.
std::vector<size_t> successors(const std::vector<Jump> &jumps) {
  std::vector<size_t> order(jumps.size());
  for (size_t i = 0; i < order.size(); i++)
    order[i] = i;
  auto start = [&](size_t i) { return std::pair(jumps[i].fromRegion, jumps[i].given); };
  std::ranges::sort(order, {}, start);
  std::vector<size_t> next(jumps.size(), kNone);
  for (size_t i = 0; i < jumps.size(); i++) {
    auto after = std::ranges::upper_bound(order, std::pair(jumps[i].toRegion, jumps[i].to), {}, start);
    if (after == order.begin()) continue;
    const Jump &met = jumps[*std::prev(after)];
    if (met.fromRegion == jumps[i].toRegion && jumps[i].to <= met.site) next[i] = *std::prev(after);
  }
  return next;
}

} // namespace

void checkCycles(const std::vector<Jump> &jumps, Context &context) {
  std::vector<size_t> next = successors(jumps), seenBy(jumps.size(), kNone);
  for (size_t start = 0; start < jumps.size(); start++) {
    size_t at = start;
    for (; at != kNone && seenBy[at] == kNone; at = next[at])
      seenBy[at] = start;
    if (at == kNone || seenBy[at] != start) continue;
    Diagnostic &d =
        context.report(DiagnosticId::JumpToItself, jumps[at].place,
                       cat("control that reaches `", jumps[at].written, "` never leaves these jumps again"));
    for (size_t step = next[at]; step != at; step = next[step])
      d.notes.push_back({"it goes on here", jumps[step].place});
  }
}

} // namespace lpc::sema
