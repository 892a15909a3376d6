// Units and their entries: what they say, with every form and reference followed. Internal to frontend/target.
//
// Section numbers are those of the DWARF 5 standard. Versions 2 to 5, 32-bit and 64-bit DWARF, and GNU's extensions of
// version 4 for split DWARF and supplementary files (dwz).
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string_view>

#include "frontend/target/dwarf/abbreviations.h"

namespace lpc::target::dwarf {

class File;

struct Value {
  uint16_t form = 0;   // DW_FORM_; 0: the entry has no such attribute
  uint64_t number = 0; // constants (signed ones as two's complement), offsets, indexes, addresses, flags
  BytesView block{};   // blocks, expressions, and strings that stand in the entry
  explicit operator bool() const { return form != 0; }
};

// A unit (7.5.1). Made by File, and lives as long.
struct Unit {
  File *file = nullptr;
  BytesView section{};                      // .debug_info, or .debug_types
  uint64_t begin = 0, entries = 0, end = 0; // header, first entry, end
  uint16_t version = 0;
  uint8_t type = 0; // DW_UT_
  uint8_t addressSize = 0, offsetSize = 0;
  uint64_t abbreviationsAt = 0;
  uint64_t id = 0;                              // of a split unit, the signature of a type unit
  uint64_t typeEntry = 0;                       // offset of the type in a type unit
  const Abbreviations *abbreviations = nullptr; // File::abbreviationsOf

  // What its first entry says; File::readFirst.
  bool isRead = false;
  std::string_view name{}, splitName{}, folder{};
  uint64_t base = 0;                                          // DW_AT_low_pc
  uint64_t stringsBase = 0, addressesBase = 0, listsBase = 0; // .debug_str_offsets, .debug_addr, .debug_rnglists
  uint64_t rangesBase = 0;                                    // .debug_ranges, for its split unit
  Value ranges{}, high{};
  bool hasLow = false, hasAddresses = false, hasStrings = false; // it states the bases
  const Unit *skeleton = nullptr; // of a split unit: the unit in the program, which has the addresses
};

struct Entry {
  Unit *unit = nullptr;
  uint64_t offset = 0; // in the unit's section
  const Abbreviation *abbreviation = nullptr;
  uint64_t attributes = 0; // where they begin
  [[nodiscard]] unsigned tag() const { return abbreviation->tag; }
  bool operator==(const Entry &other) const { return unit == other.unit && offset == other.offset; }
};

// The entry that begins there; nothing where the unit ends, where a list of children ends, and where it is damaged.
std::optional<Entry> entryAt(Unit &unit, uint64_t offset);

// One attribute, and where the next one begins.
Value readForm(Cursor &cursor, const AttributeForm &form, const Unit &unit);
// The attributes of these names; sets `next` to the end of the entry, 0 where it is damaged.
void pick(const Entry &entry, std::span<const uint16_t> names, std::span<Value> values, uint64_t &next);
template <size_t N> std::array<Value, N> pick(const Entry &entry, const uint16_t (&names)[N]) {
  std::array<Value, N> values;
  uint64_t next = 0;
  pick(entry, names, values, next);
  return values;
}
inline Value pick(const Entry &entry, uint16_t name) {
  Value value;
  uint64_t next = 0;
  pick(entry, {&name, 1}, {&value, 1}, next);
  return value;
}

std::string_view text(const Unit &unit, const Value &value);
// Where in .debug_str the string stands, that of dwz's common file included; nothing where it stands elsewhere.
std::optional<uint64_t> textOffset(const Unit &unit, const Value &value);
std::optional<uint64_t> address(const Unit &unit, const Value &value);
// The address at this index of .debug_addr.
std::optional<uint64_t> indexedAddress(const Unit &unit, uint64_t index);
std::optional<uint64_t> constant(const Value &value); // nothing that is negative
inline bool flag(const Value &value) { return value && value.number != 0; }
std::optional<Entry> reference(Unit &unit, const Value &value);

// Calls `visit` for the address ranges [begin, end) of a DW_AT_ranges, until it says no (2.17.3).
void eachRange(const Unit &unit, const Value &value, const std::function<bool(uint64_t, uint64_t)> &visit);

// Where the walk goes on: into the children, or behind them.
enum class Step : uint8_t { Into, Over, Stop };
// Visits the entries below `parent`, in order; depth 0 are its children. `visit(entry, depth, next)`, where next is set
// to the end of the entry if the visitor has read it, stays 0 otherwise.
using Visit = std::function<Step(const Entry &, unsigned depth, uint64_t &next)>;
void walk(const Entry &parent, const Visit &visit);

} // namespace lpc::target::dwarf
