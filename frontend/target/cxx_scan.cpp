// Demangling a million names takes two seconds. A mangled name holds each identifier in full, its length before it
// ("_ZN4http6Server6acceptEi"), so only names that have the wanted one's last identifier are demangled: one pass over
// the string table that looks at digits. Names without such an identifier (operators, abbreviations of the standard
// library) are compared with all.
#include "frontend/target/cxx_scan.h"

#include <algorithm>
#include <unordered_set>

#include "frontend/target/bit_filter.h"
#include "frontend/target/cxx_name.h"

namespace lpc::target {
namespace {

constexpr size_t kStride = size_t{2} << 20;
constexpr size_t kMostStrings = size_t{1} << 20;
// Places in one string that are tried as the start of a mangled name: linkers merge tails, so `_ZN3fooE` may stand in
// `_GLOBAL__sub_I__ZN3fooE`.
constexpr unsigned kMostStarts = 8;

// Nodes of demangled names for one scan: a million long names, or half a minute with a file that was made to waste
// time.
constexpr uint64_t kBudget = 1'000'000'000;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// A length digit and the next character: few pairs are wanted, and every needle has both.
uint64_t keyAt(const char *text) {
  return static_cast<uint64_t>(static_cast<uint8_t>(text[0])) << 8 | static_cast<uint8_t>(text[1]);
}

class CxxScan {
public:
  CxxScan(const SymbolTable &table, std::span<const std::string_view> names, const FileContents &contents)
      : table_(table), contents_(contents), text_(table.strings.substr(0, size_t{UINT32_MAX})) {
    for (uint32_t i = 0; i < names.size(); i++) {
      names_.emplace_back(names[i]);
      if (names_[i].needle().empty())
        unfiltered_.push_back(i);
      else
        byKey_.emplace_back(keyAt(names_[i].needle().data()), i);
    }
    std::ranges::sort(byKey_);
    for (auto [key, name] : byKey_)
      filter_.add(key);
  }

  std::vector<NameHit> run() {
    for (size_t begin = 0; begin < text_.size(); begin += kStride) {
      size_t end = std::min(text_.size(), begin + kStride);
      if (!byKey_.empty()) scanDigits(begin, end);
      if (!unfiltered_.empty()) scanAll(begin, end);
      if (end - begin == kStride) contents_.forget(asBytes(text_.substr(begin, kStride)));
    }
    resolve();
    return std::move(hits_);
  }

private:
  void scanDigits(size_t begin, size_t end) {
    const char *text = text_.data();
    size_t last = std::min(end, text_.size() - 1); // the table ends with a NUL, so one more character can be read
    for (size_t at = begin; at < last; at++) {
      if (!isDigit(text[at]) || !filter_.mayHave(keyAt(text + at))) continue;
      uint64_t key = keyAt(text + at);
      auto first = std::ranges::lower_bound(byKey_, std::pair(key, uint32_t{0}));
      for (; first != byKey_.end() && first->first == key; ++first)
        if (text_.substr(at).starts_with(names_[first->second].needle())) tryString(at, first->second);
    }
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
  std::vector<std::pair<uint64_t, uint32_t>> byKey_;
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
