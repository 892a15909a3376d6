// Suggestions for a name that was not found.
//
// The distance counts insertions, deletions, replacements and exchanges of neighbours (Damerau-Levenshtein in its
// restricted form, "optimal string alignment"). A program has up to a million symbols, so each candidate is given up
// as soon as it can no longer be among the best: only cells within `limit` of the diagonal are computed.
#include <algorithm>
#include <array>
#include <optional>

#include "ir/support/diagnostic.h"

namespace lpc {
namespace {

constexpr size_t kSuggestions = 3;
constexpr size_t kLongestName = 256; // nobody mistypes a mangled name of this length in one or two places

using Row = std::array<size_t, kLongestName + 1>;

// Nothing where it is more than `limit`.
std::optional<size_t> distance(std::string_view a, std::string_view b, size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return std::nullopt;
  const size_t far = limit + 1;
  Row rows[3];
  for (Row &row : rows)
    std::fill_n(row.begin(), b.size() + 1, far);
  for (size_t j = 0; j <= std::min(b.size(), limit); j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    const Row &beforeLast = rows[(i + 1) % 3], &last = rows[(i + 2) % 3];
    Row &row = rows[i % 3];
    size_t first = i > limit ? i - limit : 1, end = std::min(b.size(), i + limit);
    row[first - 1] = first == 1 ? std::min(i, far) : far;
    size_t best = row[first - 1];
    for (size_t j = first; j <= end; j++) {
      size_t cost = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) cost = std::min(cost, beforeLast[j - 2] + 1);
      row[j] = std::min(cost, far);
      best = std::min(best, row[j]);
    }
    if (end < b.size()) row[end + 1] = far;
    if (best == far) return std::nullopt;
  }
  size_t result = rows[a.size() % 3][b.size()];
  return result > limit ? std::nullopt : std::optional(result);
}

} // namespace

std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string> &candidates) {
  struct Found {
    size_t distance;
    const std::string *name;
  };
  if (wanted.size() > kLongestName) return {};
  std::vector<Found> best; // at most kSuggestions, nearest first
  for (const std::string &candidate : candidates) {
    if (candidate.size() > kLongestName || candidate == wanted) continue;
    // A third of the longer name, so that `st` still finds `set`.
    size_t limit = std::max(wanted.size(), candidate.size()) / 3;
    if (best.size() == kSuggestions) limit = std::min(limit, best.back().distance - 1);
    std::optional<size_t> d = distance(wanted, candidate, limit);
    if (!d) continue;
    if (std::any_of(best.begin(), best.end(), [&](const Found &f) { return *f.name == candidate; })) continue;
    auto place = std::find_if(best.begin(), best.end(), [&](const Found &f) { return f.distance > *d; });
    best.insert(place, {*d, &candidate});
    if (best.size() > kSuggestions) best.pop_back();
  }
  std::vector<std::string> out;
  out.reserve(best.size());
  for (const Found &found : best)
    out.push_back(*found.name);
  return out;
}

} // namespace lpc
