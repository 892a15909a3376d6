// Asks DWARF everything that can be asked, for files that may say anything: shared by the hostile tests and the fuzzer.
#pragma once

#include "frontend/target/debug_info.h"
#include "ir/support/result.h"

namespace lpc::test {

inline void exerciseDebugInfo(target::DebugInfo &debug, const std::vector<target::Symbol> &symbols) {
  for (const target::Symbol &symbol : symbols) {
    for (const auto &into : debug.inlinedCopies(symbol).functions)
      LPC_CHECK(into.copies > 0);
    (void)debug.signature(symbol);
    for (uint64_t offset : {uint64_t{0}, uint64_t{4}, uint64_t{24}, uint64_t{1} << 40, UINT64_MAX})
      LPC_CHECK(debug.partsAt(symbol, offset).size() <= 64);
  }
}

} // namespace lpc::test
