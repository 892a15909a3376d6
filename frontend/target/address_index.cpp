// The index takes four bytes a symbol: references, sorted by address into buckets of about sixteen, each bucket sorted
// inside only when somebody looks into it. For a million symbols that is two passes over the table with random writes
// (some 20 ms) and 5 MB; a full sort of addresses takes 80 ms and 16 MB. One question is answered by a scan in 3 ms;
// most questions are about functions that were just found by name, and have their answers in neighbours.h: hence three
// ways.
#include "frontend/target/address_index.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "frontend/target/symbol_places.h"

namespace lpc::target {
namespace {

// Calls f(entry, source, symbol) for every symbol that stands at an address.
template <class F> void forEach(const std::vector<SymbolSource> &sources, bool leaveOutMarkers, F f) {
  for (uint32_t source = 0; source < sources.size(); source++)
    forEachEntry(sources[source], [&](const SymbolEntry &entry, uint32_t symbol) {
      if (standsAtAnAddress(*sources[source].table, entry, leaveOutMarkers)) f(entry, source, symbol);
    });
}

} // namespace

Surroundings scanAround(const std::vector<SymbolSource> &sources, bool leaveOutMarkers, uint64_t address) {
  Surroundings result;
  uint64_t next = UINT64_MAX;
  forEach(sources, leaveOutMarkers, [&](const SymbolEntry &entry, uint32_t source, uint32_t index) {
    if (entry.value > address) {
      next = std::min(next, entry.value);
      return;
    }
    IndexedSymbol symbol{.address = entry.value, .size = entry.size, .source = source, .symbol = index};
    if (endOf(entry.value, entry.size) > address && result.holding.size() < kMostAround)
      result.holding.push_back(symbol);
    uint64_t nearest = result.before.empty() ? 0 : result.before.front().address;
    if (result.before.empty() || entry.value > nearest)
      result.before.assign(1, symbol);
    else if (entry.value == nearest && result.before.size() < kMostAround)
      result.before.push_back(symbol);
  });
  if (next != UINT64_MAX) result.next = next;
  return result;
}

AddressIndex::AddressIndex(std::vector<SymbolSource> sources, bool leaveOutMarkers, uint64_t lowest, uint64_t highest)
    : sources_(std::move(sources)), lowest_(lowest) {
  size_t total = 0;
  for (const SymbolSource &source : sources_)
    total += source.table->count();
  size_t buckets = std::bit_ceil(total / 16 + 1);
  uint64_t span = highest > lowest ? highest - lowest : 1;
  constexpr int kMostShift = 63; // one bucket for the whole of 64 bits: any shift will do
  shift_ = std::clamp(static_cast<int>(std::bit_width(span - 1)) - std::countr_zero(buckets), 0, kMostShift);
  ends_.resize(buckets);
  reach_.resize(buckets);
  sorted_.resize(buckets);

  forEach(sources_, leaveOutMarkers, [&](const SymbolEntry &entry, uint32_t, uint32_t) {
    size_t bucket = bucketOf(entry.value);
    ends_[bucket]++;
    reach_[bucket] = std::max(reach_[bucket], endOf(entry.value, entry.size));
  });
  uint32_t sum = 0;
  uint64_t reach = 0;
  for (size_t i = 0; i < buckets; i++) {
    reach_[i] = reach = std::max(reach, reach_[i]);
    sum += std::exchange(ends_[i], sum); // the start for now: filling moves it to the end
  }
  order_.resize(sum);
  forEach(sources_, leaveOutMarkers, [&](const SymbolEntry &entry, uint32_t source, uint32_t symbol) {
    order_[ends_[bucketOf(entry.value)]++] = source << kTableShift | symbol;
  });
}

// Addresses outside of the expected range belong to the first and the last bucket, so the order of buckets is that of
// addresses.
size_t AddressIndex::bucketOf(uint64_t address) const {
  uint64_t bucket = address > lowest_ ? (address - lowest_) >> shift_ : 0;
  return std::min<uint64_t>(bucket, ends_.size() - 1);
}

IndexedSymbol AddressIndex::at(Reference reference) const {
  uint32_t source = reference >> kTableShift, symbol = reference & kSymbolMask;
  SymbolEntry entry = entryAt(*sources_[source].table, symbol);
  return {.address = entry.value, .size = entry.size, .source = source, .symbol = symbol};
}

std::span<const AddressIndex::Reference> AddressIndex::inBucket(size_t bucket) const {
  uint32_t begin = bucket == 0 ? 0 : ends_[bucket - 1];
  std::span<Reference> all(order_.data() + begin, ends_[bucket] - begin);
  if (!sorted_[bucket]) {
    std::ranges::sort(all, {}, [&](Reference reference) { return std::pair(at(reference).address, reference); });
    sorted_[bucket] = true;
  }
  return all;
}

Surroundings AddressIndex::around(uint64_t address) const {
  return {.next = next(address), .before = before(address), .holding = holding(address)};
}

std::optional<uint64_t> AddressIndex::next(uint64_t address) const {
  for (size_t bucket = bucketOf(address); bucket < ends_.size(); bucket++) {
    auto all = inBucket(bucket);
    auto found = std::ranges::upper_bound(all, address, {}, [&](Reference reference) { return at(reference).address; });
    if (found != all.end()) return at(*found).address;
  }
  return std::nullopt;
}

std::vector<IndexedSymbol> AddressIndex::before(uint64_t address) const {
  std::vector<IndexedSymbol> result;
  for (size_t bucket = bucketOf(address) + 1; bucket-- > 0;) {
    auto all = inBucket(bucket);
    auto end = std::ranges::upper_bound(all, address, {}, [&](Reference reference) { return at(reference).address; });
    while (end != all.begin()) {
      IndexedSymbol symbol = at(*--end);
      if (!result.empty() && symbol.address != result.front().address) break;
      if (result.size() < kMostAround) result.push_back(symbol);
    }
    if (!result.empty()) break;
  }
  return result;
}

std::vector<IndexedSymbol> AddressIndex::holding(uint64_t address) const {
  std::vector<IndexedSymbol> result;
  for (size_t bucket = bucketOf(address) + 1; bucket-- > 0 && reach_[bucket] > address;) {
    auto all = inBucket(bucket);
    for (size_t i = all.size(); i-- > 0 && result.size() < kMostAround;) {
      IndexedSymbol symbol = at(all[i]);
      if (symbol.address <= address && endOf(symbol.address, symbol.size) > address) result.push_back(symbol);
    }
  }
  return result;
}

} // namespace lpc::target
