// Symbols near a few addresses that will be asked for. Internal to frontend/target.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "frontend/target/address_index.h"

namespace lpc::target {

class Neighbours {
public:
  // Gathers what stands within a kilobyte or two of the `addresses`, in one pass over the tables. `leaveOutMarkers`: as
  // in scanAround.
  Neighbours(const std::vector<SymbolSource> &sources, bool leaveOutMarkers, const std::vector<uint64_t> &addresses);

  // Nothing where the address is not near one of those. `holding` is complete; `before` and `next` are empty where
  // those symbols are further away.
  [[nodiscard]] std::optional<Surroundings> around(uint64_t address) const;

private:
  std::vector<uint64_t> centres_;      // blocks of the addresses, sorted
  std::vector<IndexedSymbol> symbols_; // those that begin in a centre or a block beside one, by address
  std::vector<IndexedSymbol> long_;    // those of a block or more that reach into a centre
};

} // namespace lpc::target
