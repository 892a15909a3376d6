// Passes over the entries of symbol tables for questions about addresses. Internal to frontend/target.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "frontend/target/address_index.h"

namespace lpc::target {

inline constexpr unsigned kTableShift = 30; // of references to symbols: what is above says in which table
inline constexpr uint32_t kSymbolMask = (uint32_t{1} << kTableShift) - 1;

// Calls f(entry, symbol) for every entry of the table, in order.
template <class F> void forEachEntry(const SymbolSource &source, F f) {
  const SymbolTable &table = *source.table;
  const size_t size = table.entrySize(), stride = FileContents::kPiece / size;
  const size_t count = std::min<size_t>(table.count(), size_t{kSymbolMask} + 1);
  for (size_t begin = 0; begin < count; begin += stride) {
    const size_t end = std::min(count, begin + stride);
    for (size_t i = begin; i < end; i++)
      f(entryAt(table, i), static_cast<uint32_t>(i));
    source.contents->passed(table.entries, end * size);
  }
}

// Not thread-local, absolute or common; with `leaveOutMarkers` no marker of AArch64's ("Mapping symbols" of its ELF
// ABI: $x, $d, $x.any, $d.any).
inline bool standsAtAnAddress(const SymbolTable &table, const SymbolEntry &entry, bool leaveOutMarkers) {
  constexpr unsigned kThreadLocal = 6;                     // STT_TLS
  constexpr uint16_t kAbsolute = 0xfff1, kCommon = 0xfff2; // SHN_ABS, SHN_COMMON
  if (!isDefinition(entry) || entry.type() == kThreadLocal || entry.section == kAbsolute || entry.section == kCommon)
    return false;
  if (!leaveOutMarkers) return true;
  std::string_view name = nameOf(table, entry);
  bool marker =
      name.size() >= 2 && name[0] == '$' && (name[1] == 'x' || name[1] == 'd') && (name.size() == 2 || name[2] == '.');
  return !marker;
}

inline uint64_t endOf(uint64_t address, uint64_t size) {
  return address + size < address ? UINT64_MAX : address + size;
}

} // namespace lpc::target
