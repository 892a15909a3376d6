// gdb's manual, "Index Section Format", versions 7 to 9; DWARF 5, 6.1.1 (.debug_names) and 6.1.2 (.debug_aranges).
#include "frontend/target/dwarf/index.h"

#include <dwarf.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace lpc::target::dwarf {
namespace {

constexpr uint64_t kCompileUnit = 1, kTypeUnit = 2; // DW_IDX_
constexpr size_t kMostPieces = 4'000'000;

struct GdbIndex {
  BytesView section;
  uint64_t units = 0, typeUnits = 0, addresses = 0, symbols = 0, end = 0, pool = 0; // offsets of its parts
  [[nodiscard]] std::optional<uint64_t> unit(uint64_t index) const {
    if (index >= (typeUnits - units) / 16) return std::nullopt;
    return Cursor(section, units + index * 16).number(8);
  }
};

std::optional<GdbIndex> gdbIndex(File &file) {
  GdbIndex index{.section = file.section(".gdb_index")};
  Cursor cursor(index.section, 0);
  uint64_t version = cursor.number(4);
  if (version < 7 || version > 9) return std::nullopt;
  for (uint64_t *part : {&index.units, &index.typeUnits, &index.addresses, &index.symbols, &index.end})
    *part = cursor.number(4);
  index.pool = version >= 9 ? cursor.number(4) : index.end; // 9 has one more table before it
  bool inOrder = index.units <= index.typeUnits && index.typeUnits <= index.addresses &&
                 index.addresses <= index.symbols && index.symbols <= index.end && index.end <= index.pool &&
                 index.pool <= index.section.size();
  return cursor && inOrder ? std::optional(index) : std::nullopt;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void addUnit(std::vector<Unit *> &units, Unit *unit) {
  if (unit != nullptr && units.size() < kMostUnitsOfName && std::ranges::find(units, unit) == units.end())
    units.push_back(unit);
}

void lookUp(File &file, const GdbIndex &index, std::string_view name, std::vector<Unit *> &units) {
  uint32_t hash = 0;
  for (char c : name)
    hash = hash * 67 + static_cast<unsigned char>(lower(c)) - 113;
  const uint64_t slots = (index.end - index.symbols) / 8;
  if (slots == 0 || (slots & (slots - 1)) != 0) return;
  const uint64_t step = ((hash * 17) & (slots - 1)) | 1;
  uint64_t slot = hash & (slots - 1);
  for (uint64_t tries = 0; tries < slots; tries++, slot = (slot + step) & (slots - 1)) {
    Cursor entry(index.section, index.symbols + slot * 8);
    uint64_t text = entry.number(4), vector = entry.number(4);
    if (text == 0 && vector == 0) return;
    if (Cursor(index.section, index.pool + text).string() != name) continue;
    Cursor list(index.section, index.pool + vector);
    for (uint64_t left = list.number(4); left > 0 && list && units.size() < kMostUnitsOfName; left--)
      if (auto begin = index.unit(list.number(4) & 0xffffff)) addUnit(units, file.unitAt(*begin));
    return;
  }
}

// One index of .debug_names; a linker that knows no better puts one for each unit behind the other.
class Names {
public:
  Names(File &file, Cursor &cursor) : file_(file), section_(file.section(".debug_names")) {
    uint64_t length = cursor.number(4);
    offsetSize_ = length == 0xffffffff ? 8 : 4;
    if (offsetSize_ == 8) length = cursor.number(8);
    end = cursor.at() + std::min<uint64_t>(length, section_.size() - std::min<uint64_t>(cursor.at(), section_.size()));
    uint64_t version = cursor.number(2);
    cursor.skip(2);
    for (uint64_t *count : {&units_, &typeUnits_, &foreignUnits_, &buckets_, &names_, &abbreviationSize_})
      *count = cursor.number(4);
    cursor.skip((cursor.number(4) + 3) & ~uint64_t{3}); // the augmentation
    unitsAt_ = cursor.at();
    bucketsAt_ = unitsAt_ + (units_ + typeUnits_) * offsetSize_ + foreignUnits_ * 8;
    hashesAt_ = bucketsAt_ + buckets_ * 4;
    stringsAt_ = hashesAt_ + (buckets_ != 0 ? names_ * 4 : 0);
    entriesAt_ = stringsAt_ + names_ * offsetSize_;
    abbreviationsAt_ = entriesAt_ + names_ * offsetSize_;
    poolAt_ = abbreviationsAt_ + abbreviationSize_;
    good = cursor && version == 5 && poolAt_ <= end; // sums of 32-bit numbers in 64 bits
  }

  void lookUp(std::string_view name, std::vector<Unit *> &units) {
    if (buckets_ == 0) { // 6.1.1.4.5: then there are no hashes, and names are compared one by one
      for (uint64_t i = 1; i <= names_ && file_.pay(1); i++)
        if (nameAt(i) == name) entries(i, units);
      return;
    }
    uint32_t hash = 5381; // 7.33
    for (char c : name)
      hash = hash * 33 + static_cast<unsigned char>(lower(c));
    uint64_t i = Cursor(section_, bucketsAt_ + hash % buckets_ * 4).number(4);
    for (; i != 0 && i <= names_ && file_.pay(1); i++) {
      auto other = static_cast<uint32_t>(Cursor(section_, hashesAt_ + (i - 1) * 4).number(4));
      if (other % buckets_ != hash % buckets_) return;
      if (other == hash && nameAt(i) == name) entries(i, units);
    }
  }

  bool good = false;
  uint64_t end = 0;

private:
  [[nodiscard]] std::string_view nameAt(uint64_t i) {
    uint64_t at = Cursor(section_, stringsAt_ + (i - 1) * offsetSize_).number(offsetSize_);
    return Cursor(file_.section(".debug_str"), at).string();
  }

  // The series of entries of a name (6.1.1.4.8).
  void entries(uint64_t i, std::vector<Unit *> &units) {
    uint64_t at = poolAt_ + Cursor(section_, entriesAt_ + (i - 1) * offsetSize_).number(offsetSize_);
    Cursor cursor(section_.first(end), at);
    while (cursor && units.size() < kMostUnitsOfName) {
      uint64_t code = cursor.uleb();
      if (code == 0) return;
      Cursor abbreviation(section_.first(poolAt_), abbreviationsAt_);
      if (!findAbbreviation(abbreviation, code)) return;
      std::optional<uint64_t> unit = units_ == 1 ? std::optional<uint64_t>(0) : std::nullopt;
      bool ofType = false;
      Unit as; // the forms depend on a unit only for those that don't stand here
      while (abbreviation) {
        uint64_t kind = abbreviation.uleb(), form = abbreviation.uleb();
        if (kind == 0 && form == 0) break;
        as.offsetSize = static_cast<uint8_t>(offsetSize_);
        Value value = readForm(cursor, {0, static_cast<uint16_t>(std::min<uint64_t>(form, 0xffff)), 0}, as);
        if (kind == kCompileUnit) unit = value.number;
        ofType = ofType || kind == kTypeUnit;
      }
      if (!file_.pay(8)) return;
      if (unit && *unit < units_ && !ofType)
        addUnit(units, file_.unitAt(Cursor(section_, unitsAt_ + *unit * offsetSize_).number(offsetSize_)));
    }
  }

  bool findAbbreviation(Cursor &cursor, uint64_t wanted) {
    while (cursor && file_.pay(4)) {
      uint64_t code = cursor.uleb();
      if (code == 0) return false;
      cursor.uleb(); // tag
      if (code == wanted) return true;
      while (cursor && (cursor.uleb() | cursor.uleb()) != 0) {
      }
    }
    return false;
  }

  File &file_;
  BytesView section_;
  unsigned offsetSize_ = 4;
  uint64_t units_ = 0, typeUnits_ = 0, foreignUnits_ = 0, buckets_ = 0, names_ = 0, abbreviationSize_ = 0;
  uint64_t unitsAt_ = 0, bucketsAt_ = 0, hashesAt_ = 0, stringsAt_ = 0, entriesAt_ = 0, abbreviationsAt_ = 0,
           poolAt_ = 0;
};

} // namespace

UnitsOfName unitsOfName(File &file, std::string_view name) {
  UnitsOfName out;
  if (auto index = gdbIndex(file)) {
    out.known = true;
    lookUp(file, *index, name, out.units);
    return out;
  }
  BytesView section = file.section(".debug_names");
  for (uint64_t at = 0; at < section.size() && file.pay(64);) {
    Cursor cursor(section, at);
    Names names(file, cursor);
    if (!names.good || names.end <= at) break;
    out.known = true;
    names.lookUp(name, out.units);
    at = names.end;
  }
  return out;
}

// --- addresses
// --------------------------------------------------------------------------------------------------------

void AddressIndex::add(uint64_t begin, uint64_t end, uint64_t unit) {
  if (begin < end && pieces_.size() < kMostPieces) pieces_.push_back({begin, end, unit});
}

void AddressIndex::sort() { std::ranges::stable_sort(pieces_, {}, &Piece::begin); }

void AddressIndex::readGdbIndex() {
  auto index = gdbIndex(file_);
  if (!index) return;
  Cursor cursor(index->section.first(index->symbols), index->addresses);
  while (cursor) {
    uint64_t begin = cursor.number(8), end = cursor.number(8), unit = cursor.number(4);
    if (auto offset = index->unit(unit); cursor && offset) add(begin, end, *offset);
  }
}

void AddressIndex::readAranges() {
  BytesView section = file_.section(".debug_aranges");
  for (uint64_t at = 0; at < section.size();) {
    Cursor cursor(section, at);
    uint64_t length = cursor.number(4);
    unsigned offsetSize = length == 0xffffffff ? 8 : 4;
    if (offsetSize == 8) length = cursor.number(8);
    if (!cursor || length > section.size() - cursor.at()) return;
    const uint64_t end = cursor.at() + length;
    uint64_t version = cursor.number(2), unit = cursor.number(offsetSize);
    auto addressSize = static_cast<unsigned>(cursor.number(1)), segmentSize = static_cast<unsigned>(cursor.number(1));
    if (version == 2 && segmentSize == 0 && (addressSize == 4 || addressSize == 8)) {
      const uint64_t tuple = uint64_t{2} * addressSize;
      cursor.skip((tuple - (cursor.at() - at) % tuple) % tuple); // they are aligned
      while (cursor && end - cursor.at() >= tuple && cursor.at() < end) {
        uint64_t begin = cursor.number(addressSize), size = cursor.number(addressSize);
        if (begin == 0 && size == 0) break;
        add(begin, begin + size, unit);
      }
    }
    at = end;
  }
}

void AddressIndex::readUnits() {
  for (Unit *each : file_.units()) {
    if (!file_.pay(64)) return;
    Unit *unit = file_.unitAt(each->begin);
    eachRange(*unit, unit->ranges, [&](uint64_t begin, uint64_t end) {
      add(begin, end, unit->begin);
      return file_.pay(4);
    });
    if (unit->ranges || !unit->hasLow) continue;
    auto high = address(*unit, unit->high); // an address, or a length
    if (auto length = constant(unit->high)) high = unit->base + *length;
    if (high) add(unit->base, *high, unit->begin);
  }
}

Unit *AddressIndex::look(uint64_t address) {
  auto at = std::ranges::upper_bound(pieces_, address, {}, &Piece::begin);
  // Ranges of sound files are disjoint, but for functions that the linker dropped, which it leaves at 0.
  for (int tries = 0; at != pieces_.begin() && tries < 8; tries++)
    if (--at; address < at->end) return file_.unitAt(at->unit);
  return nullptr;
}

Unit *AddressIndex::unitOf(uint64_t address) {
  if (!indexed_) {
    indexed_ = true;
    readGdbIndex();
    if (pieces_.empty()) readAranges();
    sort();
  }
  if (Unit *unit = look(address)) return unit;
  if (scanned_) return nullptr;
  scanned_ = true;
  readUnits();
  sort();
  return look(address);
}

// --- bytes
// ------------------------------------------------------------------------------------------------------------

std::vector<uint64_t> findBytes(File &file, BytesView section, BytesView bytes, size_t limit) {
  std::vector<uint64_t> found;
  constexpr uint64_t kBytesForOne = 16; // a search is that much faster than reading entries
  if (bytes.empty() || section.size() < bytes.size() || !file.pay(section.size() / kBytesForOne)) return found;
  // By the byte that is the least common in DWARF: not 0, and not the last ones of an address.
  size_t rare = 0;
  for (size_t i = 1; i < bytes.size(); i++)
    if (bytes[i] > bytes[rare]) rare = i;
  const uint8_t *begin = section.data(), *at = begin + rare, *end = begin + section.size() - (bytes.size() - rare - 1);
  while (at < end && found.size() < limit) {
    at = static_cast<const uint8_t *>(std::memchr(at, bytes[rare], static_cast<size_t>(end - at)));
    if (at == nullptr) break;
    if (std::memcmp(at - rare, bytes.data(), bytes.size()) == 0)
      found.push_back(static_cast<uint64_t>(at - rare - begin));
    at++;
  }
  return found;
}

} // namespace lpc::target::dwarf
