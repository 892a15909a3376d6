// Symbols by address. Internal to frontend/target.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "frontend/target/symbol_table.h"

namespace lpc::target {

// A symbol of one of the sources that the index was made from.
struct IndexedSymbol {
  uint64_t address = 0, size = 0;
  uint32_t source = 0, symbol = 0;
};

class AddressIndex {
public:
  // A table and the file that it stands in.
  struct Source {
    const SymbolTable *table;
    const FileContents *contents;
  };
  // The symbols that stand at addresses (no thread-local, no absolute ones) of all `sources` (at most four), which must
  // outlive the index. Most of them lie in [lowest, highest). `leaveOutMarkers`: without "$x" and the like (aarch64).
  AddressIndex(std::vector<Source> sources, uint64_t lowest, uint64_t highest, bool leaveOutMarkers);

  // The smallest address of a symbol behind `address`.
  [[nodiscard]] std::optional<uint64_t> next(uint64_t address) const;
  // All symbols at the greatest address that is not behind `address`.
  [[nodiscard]] std::vector<IndexedSymbol> startingBefore(uint64_t address) const;
  // The symbols whose range holds the address; at most kMostHolding, the nearest starts first.
  static constexpr size_t kMostHolding = 256;
  [[nodiscard]] std::vector<IndexedSymbol> holding(uint64_t address) const;

private:
  using Reference = uint32_t; // source in the two uppermost bits, symbol in the others

  [[nodiscard]] size_t bucketOf(uint64_t address) const;
  [[nodiscard]] IndexedSymbol at(Reference reference) const;
  [[nodiscard]] std::span<const Reference> inBucket(size_t bucket) const; // sorted by address
  template <class F> void forEach(F f) const;

  std::vector<Source> sources_;
  bool leaveOutMarkers_;
  uint64_t lowest_;
  int shift_ = 0;                        // bytes of a bucket, as a power of two
  std::vector<uint32_t> ends_;           // of each bucket in order_; it starts where the one before ends
  std::vector<uint64_t> reach_;          // the greatest end of a symbol that starts in this or an earlier bucket
  mutable std::vector<Reference> order_; // by bucket; sorted inside the bucket where sorted_ says so
  mutable std::vector<bool> sorted_;
};

} // namespace lpc::target
