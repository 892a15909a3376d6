// A patch that changes twenty functions asks for the end of each, and for what stands at its start. A scan for each
// question costs 3 ms with a million symbols, an index 20 ms and 5 MB. But which addresses they will be is known when
// the functions have been found: then one pass gathers the symbols around all of them, a hundred or so for each.
//
// Addresses are cut into blocks. Of the blocks with an address (centres) and those beside them every symbol is kept
// that begins there; what begins further away and reaches into a centre is longer than a block, which few functions
// are.
#include "frontend/target/neighbours.h"

#include <algorithm>
#include <iterator>

#include "frontend/target/bit_filter.h"
#include "frontend/target/symbol_places.h"

namespace lpc::target {
namespace {

constexpr int kBlockBits = 10;
constexpr uint64_t kBlock = uint64_t{1} << kBlockBits;

void makeSet(std::vector<uint64_t> &numbers) {
  std::ranges::sort(numbers);
  numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
}

} // namespace

Neighbours::Neighbours(const std::vector<SymbolSource> &sources, bool leaveOutMarkers,
                       const std::vector<uint64_t> &addresses) {
  std::vector<uint64_t> near;
  for (uint64_t address : addresses) {
    const uint64_t block = address >> kBlockBits;
    centres_.push_back(block);
    near.insert(near.end(), {block - 1, block, block + 1}); // one that wraps is never asked for
  }
  makeSet(centres_);
  makeSet(near);
  BitFilter filter(near.size());
  for (uint64_t block : near)
    filter.add(block);
  auto reachesCentre = [&](uint64_t begin, uint64_t end) {
    auto centre = std::ranges::lower_bound(centres_, begin >> kBlockBits);
    return centre != centres_.end() && *centre << kBlockBits < end;
  };
  for (uint32_t source = 0; source < sources.size(); source++)
    forEachEntry(sources[source], [&](const SymbolEntry &entry, uint32_t index) {
      const uint64_t block = entry.value >> kBlockBits;
      if (entry.size < kBlock && !filter.mayHave(block)) [[likely]]
        return;
      const bool begins = std::ranges::binary_search(near, block);
      const bool reaches = entry.size >= kBlock && reachesCentre(entry.value, endOf(entry.value, entry.size));
      if ((!begins && !reaches) || !standsAtAnAddress(*sources[source].table, entry, leaveOutMarkers)) return;
      IndexedSymbol symbol{.address = entry.value, .size = entry.size, .source = source, .symbol = index};
      if (begins) symbols_.push_back(symbol);
      if (reaches) long_.push_back(symbol);
    });
  std::ranges::stable_sort(symbols_, {}, &IndexedSymbol::address);
}

std::optional<Surroundings> Neighbours::around(uint64_t address) const {
  const uint64_t block = address >> kBlockBits;
  if (!std::ranges::binary_search(centres_, block)) return std::nullopt;
  auto at = [this](uint64_t wanted) { return std::ranges::lower_bound(symbols_, wanted, {}, &IndexedSymbol::address); };
  const auto begin = at(block == 0 ? 0 : (block - 1) << kBlockBits);
  const auto end = block + 2 <= UINT64_MAX >> kBlockBits ? at((block + 2) << kBlockBits) : symbols_.end();
  const auto behind = std::ranges::upper_bound(symbols_, address, {}, &IndexedSymbol::address);
  Surroundings out;
  if (behind != end) out.next = behind->address;
  for (auto each = begin; each != behind; ++each) {
    const bool holds = each->size < kBlock && endOf(each->address, each->size) > address;
    if (holds && out.holding.size() < kMostAround) out.holding.push_back(*each);
  }
  for (const IndexedSymbol &each : long_) {
    const bool holds = each.address <= address && endOf(each.address, each.size) > address;
    if (holds && out.holding.size() < kMostAround) out.holding.push_back(each);
  }
  if (behind == begin) return out;
  for (auto each = at(std::prev(behind)->address); each != behind && out.before.size() < kMostAround; ++each)
    out.before.push_back(*each);
  return out;
}

} // namespace lpc::target
