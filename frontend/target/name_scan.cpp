// Twenty names among a million symbols, without an index.
//
// A scan by symbol would touch the strings in the order of the symbols, with a random access each. Instead: (1) go
// through the string table from its start to its end, look at every place where a name ends, and compare the last bytes
// before it with those of the wanted names through a bit filter; this gives the few offsets at which a wanted name
// stands (also as the tail of a longer string, for linkers merge tails). (2) Go through the symbols and pick those
// whose st_name is one of them. Both are sequential, so pages behind us can be given back at once, and the tables never
// stand in memory as a whole.
//
// Parts and copies of a function (`f.cold`, `f.isra.0`) are found in the same pass: a dot ends a name, too, and behind
// it stands what GCC or Clang calls a part or a copy.
//
// The end, not the start: `_ZN4llvm` begins 500,000 names of one library, but few end alike. Measured with a million
// symbols (names of 38 bytes on average) and 20 names: see tests/unit/target/million.cpp. Rejected: an index (76 ms, 16
// MB), memmem for each name.
#include "frontend/target/symbol_table.h"

#include <algorithm>
#include <array>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "frontend/target/bit_filter.h"

namespace lpc::target {
namespace {

// Offsets that are collected before the symbols are searched for them; only a file made for it has more.
constexpr size_t kMostStrings = size_t{1} << 20;

// GCC: cgraphclones.cc, ipa-split.cc, ipa-sra.cc, ipa-cp.cc, bb-reorder.cc, lto-partition.cc. Clang has `.cold` too.
constexpr std::array<std::string_view, 6> kSuffixes = {"cold",       "part.",     "isra.",
                                                       "constprop.", "lto_priv.", "localalias"};

bool isClone(std::string_view behindTheDot) {
  return std::ranges::any_of(kSuffixes, [&](std::string_view suffix) {
    if (!behindTheDot.starts_with(suffix)) return false;
    std::string_view rest = behindTheDot.substr(suffix.size());
    bool digit = !rest.empty() && rest[0] >= '0' && rest[0] <= '9';
    return suffix.ends_with('.') ? digit : rest.empty() || rest[0] == '.' || rest[0] == '\0';
  });
}

bool isEnd(char c) { return c == '\0' || c == '@' || c == '.'; }

// The wanted names by their last bytes: a filter on eight of them (else four, else one, where none of the wanted is
// as long), then, for names that have as many, one on the eight before those.
class Tails {
public:
  explicit Tails(std::span<const std::string_view> names) : names_(names) {
    for (size_t shortest : {16U, 8U, 4U, 1U}) {
      Class group{.unused = shortest >= 8 ? 0 : shortest == 4 ? 32 : 56, .twice = shortest == 16};
      for (uint32_t i = 0; i < names.size(); i++) {
        size_t size = names[i].size(), its = size >= 16 ? 16 : size >= 8 ? 8 : size >= 4 ? 4 : 1;
        if (size > 0 && its == shortest) group.names.emplace_back(tailBefore(names[i], size) >> group.unused, i);
      }
      if (group.names.empty()) continue;
      std::ranges::sort(group.names);
      group.filter = BitFilter(group.names.size());
      group.second = BitFilter(group.twice ? group.names.size() : 0);
      for (auto [tail, name] : group.names) {
        group.filter.add(tail);
        if (group.twice) group.second.add(tailBefore(names[name], names[name].size() - 8));
      }
      classes_.push_back(std::move(group));
    }
  }

  // Calls f(end, name) for the names that end at a NUL, '@' or dot in text[from, to): at text[end].
  template <class F> void scan(std::string_view text, size_t from, size_t to, F f) const {
    size_t at = from;
    auto check = [this, text, &f](size_t end) {
      uint64_t tail = tailBefore(text, end);
      for (const Class &group : classes_)
        if (uint64_t key = tail >> group.unused; group.filter.mayHave(key)) [[unlikely]]
          compare(group, key, text.substr(0, end), f);
    };
    for (; at < to && at < 16; at++)
      if (isEnd(text[at])) check(at);
#ifdef __SSE2__
    const __m128i nul = _mm_setzero_si128(), sign = _mm_set1_epi8('@'), dot = _mm_set1_epi8('.');
    for (; to - at >= 16; at += 16) {
      __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(text.data() + at));
      __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(block, nul), _mm_cmpeq_epi8(block, sign));
      ends = _mm_or_si128(ends, _mm_cmpeq_epi8(block, dot));
      for (auto mask = static_cast<unsigned>(_mm_movemask_epi8(ends)); mask; mask &= mask - 1)
        check(at + static_cast<unsigned>(std::countr_zero(mask)));
    }
#endif
    for (; at < to; at++)
      if (isEnd(text[at])) check(at);
  }

private:
  struct Class {
    int unused = 0;     // bits of the eight bytes that are not looked at
    bool twice = false; // its names have sixteen bytes, and `second` filters the first eight of those
    BitFilter filter{0}, second{0};
    std::vector<std::pair<uint64_t, uint32_t>> names{}; // sorted by tail
  };

  template <class F>
  [[gnu::noinline]] void compare(const Class &group, uint64_t key, std::string_view text, F &f) const {
    if (group.twice && (text.size() < 16 || !group.second.mayHave(tailBefore(text, text.size() - 8)))) return;
    auto first = std::ranges::lower_bound(group.names, std::pair(key, uint32_t{0}));
    for (; first != group.names.end() && first->first == key; ++first)
      if (text.ends_with(names_[first->second])) f(text.size(), first->second);
  }

  // The eight bytes before `end`, the last one uppermost; zeros where the text begins later.
  static uint64_t tailBefore(std::string_view text, size_t end) {
    uint64_t tail = 0;
    if (end >= 8) [[likely]]
      std::memcpy(&tail, text.data() + end - 8, 8);
    else
      std::memcpy(reinterpret_cast<char *>(&tail) + (8 - end), text.data(), end);
    return tail;
  }

  std::span<const std::string_view> names_;
  std::vector<Class> classes_;
};

} // namespace

std::vector<NameHit> scanForStrings(const SymbolTable &table, std::vector<StringHit> strings,
                                    const FileContents &contents) {
  std::ranges::sort(strings);
  auto duplicates = std::ranges::unique(strings);
  strings.erase(duplicates.begin(), duplicates.end());
  std::vector<NameHit> hits;
  if (strings.empty()) return hits;
  BitFilter filter(strings.size());
  for (const StringHit &string : strings)
    filter.add(string.offset);

  const size_t size = table.entrySize(), count = table.count(), stride = FileContents::kPiece / size;
  const size_t locals = std::min(table.firstGlobal, count), info = table.is64 ? 4 : 12; // of st_info
  const uint8_t *entries = table.entries.data();
  auto check = [&](size_t i, uint32_t offset) {
    auto first = std::ranges::lower_bound(strings, StringHit{offset, 0});
    if (first == strings.end() || first->offset != offset || !isDefinition(entryAt(table, i))) return;
    for (; first != strings.end() && first->offset == offset; ++first)
      hits.push_back({first->name, static_cast<uint32_t>(i)});
  };
  std::vector<uint32_t> files;
  auto pass = [&]<bool local>(size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
      uint32_t offset; // st_name comes first in both classes
      std::memcpy(&offset, entries + i * size, sizeof offset);
      if (filter.mayHave(offset)) check(i, offset);
      if constexpr (local)
        if ((entries[i * size + info] & 0xf) == kFileSymbol) files.push_back(static_cast<uint32_t>(i));
    }
  };
  for (size_t begin = 0; begin < count; begin += stride) {
    size_t end = std::min(count, begin + stride), middle = std::clamp(locals, begin, end);
    pass.operator()<true>(begin, middle);
    pass.operator()<false>(middle, end);
    contents.passed(table.entries, end * size);
  }
  if (!table.files) table.files = std::move(files);
  return hits;
}

FoundNames scanForNames(const SymbolTable &table, std::span<const std::string_view> names,
                        const FileContents &contents) {
  Tails tails(names);
  const auto count = static_cast<uint32_t>(names.size()); // that and more: a part or a copy
  std::vector<NameHit> hits;
  std::vector<StringHit> strings;
  auto resolve = [&] {
    auto found = scanForStrings(table, std::move(strings), contents);
    hits.insert(hits.end(), found.begin(), found.end());
    strings.clear();
  };
  // st_name has 32 bits: what lies beyond cannot be named.
  std::string_view text = table.strings.substr(0, size_t{UINT32_MAX});
  for (size_t begin = 0; begin < text.size(); begin += FileContents::kPiece) {
    size_t end = std::min(text.size(), begin + FileContents::kPiece);
    tails.scan(text, begin, end, [&](size_t at, uint32_t name) {
      constexpr size_t kLongestSuffix = 32;
      bool clone = text[at] == '.';
      if (clone && !isClone(text.substr(at + 1, kLongestSuffix))) return;
      strings.push_back({static_cast<uint32_t>(at - names[name].size()), clone ? count + name : name});
      if (strings.size() == kMostStrings) resolve();
    });
    contents.passed(asBytes(text), end);
  }
  resolve();
  // The first ones of each name, in the order of the table.
  std::ranges::sort(hits, {}, [](const NameHit &hit) { return std::pair(hit.name, hit.symbol); });
  FoundNames found;
  for (NameHit hit : hits) {
    bool clone = hit.name >= count;
    std::vector<NameHit> &into = clone ? found.clones : found.names;
    const size_t most = clone ? kMostClones : kMostHits;
    if (clone) hit.name -= count;
    if (into.size() < most || into[into.size() - most].name != hit.name) into.push_back(hit);
  }
  return found;
}

} // namespace lpc::target
