// One pass over the string table that stops at dots, which few names have: behind the dot stands what GCC or Clang
// calls a part or a copy, before it the name of the function. Only the first such dot of a string counts, so the work
// is linear in the table. A name may begin in the middle of a string (linkers merge tails), so the ends are compared.
#include "frontend/target/clone_scan.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace lpc::target {
namespace {

// GCC: cgraphclones.cc, ipa-split.cc, ipa-sra.cc, ipa-cp.cc, bb-reorder.cc, lto-partition.cc. Clang has `.cold` too.
constexpr std::array<std::string_view, 6> kSuffixes = {"cold",       "part.",     "isra.",
                                                       "constprop.", "lto_priv.", "localalias"};
constexpr size_t kMostStrings = size_t{1} << 20;

bool isClone(std::string_view behindTheDot) {
  return std::ranges::any_of(kSuffixes, [&](std::string_view suffix) {
    if (!behindTheDot.starts_with(suffix)) return false;
    std::string_view rest = behindTheDot.substr(suffix.size());
    bool digit = !rest.empty() && rest[0] >= '0' && rest[0] <= '9';
    return suffix.ends_with('.') ? digit : rest.empty() || rest[0] == '.' || rest[0] == '\0';
  });
}

// The wanted names, by as many of their last bytes as a word has.
class Ends {
public:
  explicit Ends(std::span<const std::string_view> names) : names_(names) {
    for (uint32_t i = 0; i < names.size(); i++)
      for (size_t length : kLengths)
        if (names[i].size() >= length) {
          byEnd_.emplace(key(names[i], length), i);
          break;
        }
  }

  // Calls f(name) for the names that `text` ends with.
  template <class F> void forEach(std::string_view text, F f) const {
    for (size_t length : kLengths) {
      if (text.size() < length) continue;
      auto [first, last] = byEnd_.equal_range(key(text, length));
      for (; first != last; ++first)
        if (text.ends_with(names_[first->second])) f(first->second);
    }
  }

private:
  static constexpr std::array<size_t, 4> kLengths = {7, 4, 2, 1};
  static uint64_t key(std::string_view text, size_t length) {
    uint64_t key = length << 56;
    std::memcpy(&key, text.data() + text.size() - length, length);
    return key;
  }

  std::span<const std::string_view> names_;
  std::unordered_multimap<uint64_t, uint32_t> byEnd_;
};

} // namespace

std::vector<NameHit> scanForClones(const SymbolTable &table, std::span<const std::string_view> names,
                                   const FileContents &contents) {
  Ends ends(names);
  std::vector<StringHit> strings;
  std::string_view text = table.strings.substr(0, size_t{UINT32_MAX}); // st_name has 32 bits
  size_t at = 0, seen = 0;                                             // the end of the last string that was taken
  for (size_t begin = 0; begin < text.size(); begin += FileContents::kPiece) {
    size_t end = std::min(text.size(), begin + FileContents::kPiece);
    for (at = std::max(at, begin); (at = text.find('.', at)) < end && strings.size() < kMostStrings; at++) {
      if (!isClone(text.substr(at + 1, 32))) continue;
      size_t limit = std::max(seen, at > kLongestName ? at - kLongestName : 0), start = at;
      while (start > limit && text[start - 1] != '\0')
        start--;
      ends.forEach(text.substr(start, at - start),
                   [&](uint32_t name) { strings.push_back({static_cast<uint32_t>(at - names[name].size()), name}); });
      seen = at = std::min(text.find('\0', at), text.size());
    }
    contents.passed(asBytes(text), end);
  }
  return scanForStrings(table, std::move(strings), contents);
}

} // namespace lpc::target
