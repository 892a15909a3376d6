// Demangling a million names takes two seconds. A mangled name holds each identifier in full, its length before it
// ("_ZN4http6Server6acceptEi"), so only names that have the wanted one's last identifier are demangled: one pass over
// the string table that looks at digits. Names without such an identifier (operators, abbreviations of the standard
// library) are compared with all.
#include "frontend/target/cxx_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "frontend/target/bit_filter.h"
#include "frontend/target/cxx_name.h"

namespace lpc::target {
namespace {

constexpr size_t kMostStrings = size_t{1} << 20;
// Places in one string that are tried as the start of a mangled name: linkers merge tails, so `_ZN3fooE` may stand in
// `_GLOBAL__sub_I__ZN3fooE`.
constexpr unsigned kMostStarts = 8;

// Nodes of demangled names for one scan: a million long names, or half a minute with a file that was made to waste
// time.
constexpr uint64_t kBudget = 1'000'000'000;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Calls f(position) for every character in text[from, to) that is no digit and follows one: where identifiers of
// mangled names start. `from` is above 0.
template <class F> void forEachIdentifier(std::string_view text, size_t from, size_t to, F f) {
  size_t at = from;
#ifdef __SSE2__
  // Unsigned c - '0' <= 9, which SSE2 can only say as min(c - '0', 9) == c - '0'.
  const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9);
  auto digits = [&](size_t position) {
    __m128i block = _mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(text.data() + position)), zero);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(block, nine), block)));
  };
  for (; to - at >= 16; at += 16)
    for (unsigned mask = digits(at - 1) & ~digits(at); mask; mask &= mask - 1)
      f(at + static_cast<unsigned>(std::countr_zero(mask)));
#endif
  for (; at < to; at++)
    if (isDigit(text[at - 1]) && !isDigit(text[at])) f(at);
}

// The first four bytes of an identifier, or the first one of a shorter one.
constexpr size_t kKeySize = 4;
uint64_t longKey(const char *text) {
  uint32_t key;
  std::memcpy(&key, text, kKeySize);
  return key;
}
uint64_t shortKey(const char *text) { return uint64_t{1} << 32 | static_cast<uint8_t>(text[0]); }

class CxxScan {
public:
  CxxScan(const SymbolTable &table, std::span<const std::string_view> names, const FileContents &contents)
      : table_(table), contents_(contents), text_(table.strings.substr(0, size_t{UINT32_MAX})) {
    for (uint32_t i = 0; i < names.size(); i++) {
      names_.emplace_back(names[i]);
      const std::string &needle = names_[i].needle();
      if (needle.empty()) {
        unfiltered_.push_back(i);
        continue;
      }
      size_t digits = needle.find_first_not_of("0123456789");
      bool isLong = needle.size() - digits >= kKeySize;
      byKey_.push_back({isLong ? longKey(&needle[digits]) : shortKey(&needle[digits]), i, digits});
      anyShort_ = anyShort_ || !isLong;
    }
    std::ranges::sort(byKey_, {}, &Identifier::key);
    filter_ = BitFilter(byKey_.size());
    for (const Identifier &each : byKey_)
      filter_.add(each.key);
  }

  std::vector<NameHit> run() {
    for (size_t begin = 0; begin < text_.size(); begin += FileContents::kPiece) {
      size_t end = std::min(text_.size(), begin + FileContents::kPiece);
      if (!byKey_.empty()) scanIdentifiers(std::max<size_t>(begin, 1), end);
      if (!unfiltered_.empty()) scanAll(begin, end);
      contents_.passed(asBytes(text_), end);
    }
    resolve();
    return std::move(hits_);
  }

private:
  void scanIdentifiers(size_t begin, size_t end) {
    forEachIdentifier(text_, begin, end, [this](size_t at) {
      if (text_.size() - at >= kKeySize)
        if (uint64_t key = longKey(text_.data() + at); filter_.mayHave(key)) tryIdentifier(at, key);
      if (anyShort_)
        if (uint64_t key = shortKey(text_.data() + at); filter_.mayHave(key)) tryIdentifier(at, key);
    });
  }

  [[gnu::noinline]] void tryIdentifier(size_t at, uint64_t key) {
    for (const Identifier &each : std::ranges::equal_range(byKey_, key, {}, &Identifier::key))
      if (at >= each.digits && text_.substr(at - each.digits).starts_with(names_[each.name].needle()))
        tryString(at, each.name);
  }

  void scanAll(size_t begin, size_t end) {
    for (size_t at = begin; (at = text_.find("_Z", at)) < end; at++)
      for (uint32_t name : unfiltered_)
        tryStart(at, stringEnd(at), name);
  }

  // The whole string around `at`, from its start, and from each `_Z` in it that stands before `at`.
  void tryString(size_t at, uint32_t name) {
    size_t limit = at > kLongestMangledName ? at - kLongestMangledName : 0;
    size_t start = at;
    while (start > limit && text_[start - 1] != '\0')
      start--;
    size_t end = stringEnd(at);
    unsigned tries = 0;
    for (size_t from = start; (from = text_.find("_Z", from)) < at && tries < kMostStarts; from++, tries++)
      tryStart(from, end, name);
  }

  void tryStart(size_t start, size_t end, uint32_t name) {
    if (end - start > kLongestMangledName || !names_[name].matches(text_.substr(start, end - start), budget_)) return;
    strings_.push_back({static_cast<uint32_t>(start), name});
    if (strings_.size() == kMostStrings) resolve();
  }

  // Names end with a NUL or with the version.
  [[nodiscard]] size_t stringEnd(size_t at) const {
    std::string_view rest = text_.substr(at, kLongestMangledName + 1);
    return at + std::min(rest.find_first_of(std::string_view("\0@", 2)), rest.size());
  }

  void resolve() {
    auto found = scanForStrings(table_, std::move(strings_), contents_);
    hits_.insert(hits_.end(), found.begin(), found.end());
    strings_.clear();
  }

  const SymbolTable &table_;
  const FileContents &contents_;
  std::string_view text_;
  std::vector<CxxName> names_;
  struct Identifier {
    uint64_t key = 0;
    uint32_t name = 0;
    size_t digits = 0; // of its length, before it
  };
  std::vector<Identifier> byKey_; // sorted by key
  bool anyShort_ = false;
  BitFilter filter_{0};
  std::vector<uint32_t> unfiltered_;
  std::vector<StringHit> strings_;
  uint64_t budget_ = kBudget;
  std::vector<NameHit> hits_;
};

} // namespace

std::vector<NameHit> scanForCxxNames(const SymbolTable &table, std::span<const std::string_view> names,
                                     const FileContents &contents) {
  if (names.empty() || table.strings.empty()) return {};
  return CxxScan(table, names, contents).run();
}

} // namespace lpc::target
