// Which unit speaks of an address or a name, without reading the units. Internal to frontend/target.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "frontend/target/dwarf/file.h"

namespace lpc::target::dwarf {

// .gdb_index or .debug_aranges; and, for what those leave out, the ranges that the units' first entries state.
class AddressIndex {
public:
  explicit AddressIndex(File &file) : file_(file) {}
  // The unit (not the split one) whose code holds the address; null where none says so.
  Unit *unitOf(uint64_t address);

private:
  struct Piece {
    uint64_t begin = 0, end = 0, unit = 0; // offset of the unit
  };
  void readGdbIndex();
  void readAranges();
  void readUnits();
  [[nodiscard]] Unit *look(uint64_t address);
  void add(uint64_t begin, uint64_t end, uint64_t unit);
  void sort();

  File &file_;
  bool indexed_ = false, scanned_ = false;
  std::vector<Piece> pieces_; // by begin
};

// Units that define a function or a variable of this name, by .gdb_index or .debug_names; at most kMostUnitsOfName, in
// order. `known`: the file has such an index, so that nothing found means that there is nothing.
struct UnitsOfName {
  bool known = false;
  std::vector<Unit *> units;
};
inline constexpr size_t kMostUnitsOfName = 64;
UnitsOfName unitsOfName(File &file, std::string_view name);

// Where the bytes stand in the section: a search that needs no index, at some gigabytes a second. At most `limit`.
std::vector<uint64_t> findBytes(File &file, BytesView section, BytesView bytes, size_t limit);

} // namespace lpc::target::dwarf
