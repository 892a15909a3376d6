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

// A table of symbols and the file that it stands in.
struct SymbolSource {
  const SymbolTable *table = nullptr;
  const FileContents *contents = nullptr;
};

// The symbols around an address. Those without an address (thread-local, absolute, common) don't count.
struct Surroundings {
  std::optional<uint64_t> next;       // the smallest address of a symbol behind it
  std::vector<IndexedSymbol> before;  // those at the greatest address that is not behind it
  std::vector<IndexedSymbol> holding; // those whose range holds it
};
// Entries of such a list; the others of a file that has more are left out.
inline constexpr size_t kMostAround = 256;

// `leaveOutMarkers`: without "$x" and the like (aarch64). Goes once through the tables: right for a few questions.
Surroundings scanAround(const std::vector<SymbolSource> &sources, bool leaveOutMarkers, uint64_t address);

// Answers the same from an index: right for many.
class AddressIndex {
public:
  // At most four sources, which must outlive the index. Most of their symbols lie in [lowest, highest).
  AddressIndex(std::vector<SymbolSource> sources, bool leaveOutMarkers, uint64_t lowest, uint64_t highest);
  [[nodiscard]] Surroundings around(uint64_t address) const;

private:
  using Reference = uint32_t; // source in the two uppermost bits, symbol in the others

  [[nodiscard]] size_t bucketOf(uint64_t address) const;
  [[nodiscard]] IndexedSymbol at(Reference reference) const;
  [[nodiscard]] std::span<const Reference> inBucket(size_t bucket) const; // sorted by address
  [[nodiscard]] std::optional<uint64_t> next(uint64_t address) const;
  [[nodiscard]] std::vector<IndexedSymbol> before(uint64_t address) const;
  [[nodiscard]] std::vector<IndexedSymbol> holding(uint64_t address) const;

  std::vector<SymbolSource> sources_;
  uint64_t lowest_;
  int shift_ = 0;                        // bytes of a bucket, as a power of two
  std::vector<uint32_t> ends_;           // of each bucket in order_; it starts where the one before ends
  std::vector<uint64_t> reach_;          // the greatest end of a symbol that starts in this or an earlier bucket
  mutable std::vector<Reference> order_; // by bucket; sorted inside the bucket where sorted_ says so
  mutable std::vector<bool> sorted_;
};

} // namespace lpc::target
