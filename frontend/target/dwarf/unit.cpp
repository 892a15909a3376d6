// Entries are read where they stand, each time anew: nothing is kept of them, so a unit costs no memory. LLVM and libdw
// make tables of a unit's entries or of its abbreviations by hash; of a unit we want a few entries, once.
#include "frontend/target/dwarf/unit.h"

#include <dwarf.h>

#include <algorithm>

#include "frontend/target/dwarf/file.h"

namespace lpc::target::dwarf {
namespace {

constexpr size_t kMostRanges = 100'000; // of one list
constexpr unsigned kDeepest = 256;      // nested entries; compilers make some dozens

uint64_t mostAddress(const Unit &unit) {
  return unit.addressSize >= 8 ? UINT64_MAX : (uint64_t{1} << (8 * unit.addressSize)) - 1;
}

// Versions 2 to 4 (DWARF 4, 2.17.3): pairs relative to a base, which a pair that begins with the greatest address sets.
void eachOldRange(const Unit &unit, const Value &value, const std::function<bool(uint64_t, uint64_t)> &visit) {
  const Unit &home = unit.skeleton != nullptr ? *unit.skeleton : unit;
  uint64_t offset = value.number + (unit.skeleton != nullptr ? home.rangesBase : 0);
  Cursor cursor(home.file->section(".debug_ranges"), offset);
  uint64_t base = home.base;
  for (size_t i = 0; i < kMostRanges; i++) {
    uint64_t begin = cursor.number(unit.addressSize), end = cursor.number(unit.addressSize);
    if (!cursor || (begin == 0 && end == 0)) return;
    if (begin == mostAddress(unit))
      base = end;
    else if (begin < end && !visit(base + begin, base + end))
      return;
  }
}

// Version 5 (2.17.3, 7.25).
void eachNewRange(const Unit &unit, const Value &value, const std::function<bool(uint64_t, uint64_t)> &visit) {
  BytesView section = unit.file->section(".debug_rnglists");
  uint64_t offset = value.number;
  if (value.form == DW_FORM_rnglistx) {
    if (value.number > UINT32_MAX) return;
    Cursor table(section, unit.listsBase + value.number * unit.offsetSize);
    offset = unit.listsBase + table.number(unit.offsetSize);
    if (!table) return;
  }
  Cursor cursor(section, offset);
  uint64_t base = unit.skeleton != nullptr ? unit.skeleton->base : unit.base;
  for (size_t i = 0; i < kMostRanges && cursor; i++) {
    uint64_t begin = 0, end = 0;
    switch (cursor.number(1)) {
    case DW_RLE_base_addressx: base = indexedAddress(unit, cursor.uleb()).value_or(0); continue;
    case DW_RLE_base_address: base = cursor.number(unit.addressSize); continue;
    case DW_RLE_startx_endx:
      begin = indexedAddress(unit, cursor.uleb()).value_or(0);
      end = indexedAddress(unit, cursor.uleb()).value_or(0);
      break;
    case DW_RLE_startx_length:
      begin = indexedAddress(unit, cursor.uleb()).value_or(0);
      end = begin + cursor.uleb();
      break;
    case DW_RLE_offset_pair:
      begin = base + cursor.uleb();
      end = base + cursor.uleb();
      break;
    case DW_RLE_start_end:
      begin = cursor.number(unit.addressSize);
      end = cursor.number(unit.addressSize);
      break;
    case DW_RLE_start_length:
      begin = cursor.number(unit.addressSize);
      end = begin + cursor.uleb();
      break;
    default: return; // DW_RLE_end_of_list, and what nobody knows
    }
    if (cursor && begin < end && !visit(begin, end)) return;
  }
}

} // namespace

std::optional<Entry> entryAt(Unit &unit, uint64_t offset) {
  if (offset < unit.entries || offset >= unit.end) return std::nullopt;
  Cursor cursor(unit.section.first(unit.end), offset);
  uint64_t code = cursor.uleb();
  if (!cursor || code == 0) return std::nullopt;
  const Abbreviation *abbreviation = unit.file->abbreviationsOf(unit).find(code);
  if (abbreviation == nullptr) return std::nullopt;
  return Entry{&unit, offset, abbreviation, cursor.at()};
}

Value readForm(Cursor &cursor, const AttributeForm &attribute, const Unit &unit) {
  Value out{.form = attribute.form};
  if (out.form == DW_FORM_indirect) {
    out.form = static_cast<uint16_t>(std::min<uint64_t>(cursor.uleb(), 0xffff));
    if (out.form == DW_FORM_indirect || out.form == DW_FORM_implicit_const) out.form = 0; // 7.5.3: not allowed
  }
  switch (out.form) {
  case DW_FORM_addr: out.number = cursor.number(unit.addressSize); break;
  case DW_FORM_data1:
  case DW_FORM_flag:
  case DW_FORM_ref1:
  case DW_FORM_strx1:
  case DW_FORM_addrx1: out.number = cursor.number(1); break;
  case DW_FORM_data2:
  case DW_FORM_ref2:
  case DW_FORM_strx2:
  case DW_FORM_addrx2: out.number = cursor.number(2); break;
  case DW_FORM_strx3:
  case DW_FORM_addrx3: out.number = cursor.number(3); break;
  case DW_FORM_data4:
  case DW_FORM_ref4:
  case DW_FORM_ref_sup4:
  case DW_FORM_strx4:
  case DW_FORM_addrx4: out.number = cursor.number(4); break;
  case DW_FORM_data8:
  case DW_FORM_ref8:
  case DW_FORM_ref_sup8:
  case DW_FORM_ref_sig8: out.number = cursor.number(8); break;
  case DW_FORM_data16: out.block = cursor.block(16); break;
  case DW_FORM_sdata: out.number = static_cast<uint64_t>(cursor.sleb()); break;
  case DW_FORM_udata:
  case DW_FORM_ref_udata:
  case DW_FORM_strx:
  case DW_FORM_addrx:
  case DW_FORM_loclistx:
  case DW_FORM_rnglistx:
  case DW_FORM_GNU_addr_index:
  case DW_FORM_GNU_str_index: out.number = cursor.uleb(); break;
  case DW_FORM_string: out.block = asBytes(cursor.string()); break;
  case DW_FORM_strp:
  case DW_FORM_line_strp:
  case DW_FORM_strp_sup:
  case DW_FORM_sec_offset:
  case DW_FORM_GNU_ref_alt:
  case DW_FORM_GNU_strp_alt: out.number = cursor.offset(unit.offsetSize); break;
  case DW_FORM_ref_addr: out.number = cursor.number(unit.version <= 2 ? unit.addressSize : unit.offsetSize); break;
  case DW_FORM_block1: out.block = cursor.block(cursor.number(1)); break;
  case DW_FORM_block2: out.block = cursor.block(cursor.number(2)); break;
  case DW_FORM_block4: out.block = cursor.block(cursor.number(4)); break;
  case DW_FORM_block:
  case DW_FORM_exprloc: out.block = cursor.block(cursor.uleb()); break;
  case DW_FORM_flag_present: out.number = 1; break;
  case DW_FORM_implicit_const: out.number = static_cast<uint64_t>(attribute.constant); break;
  default: cursor.skip(UINT64_MAX); // unknown, so nobody can say where the next one begins
  }
  return out;
}

void pick(const Entry &entry, std::span<const uint16_t> names, std::span<Value> values, uint64_t &next) {
  const Unit &unit = *entry.unit;
  Cursor cursor(unit.section.first(unit.end), entry.attributes);
  for (const AttributeForm &form : unit.abbreviations->forms(*entry.abbreviation)) {
    Value value = readForm(cursor, form, unit);
    if (!cursor) break;
    auto wanted = std::ranges::find(names, form.name);
    if (wanted != names.end()) values[static_cast<size_t>(wanted - names.begin())] = value;
  }
  next = cursor ? cursor.at() : 0;
}

std::optional<uint64_t> textOffset(const Unit &unit, const Value &value) {
  switch (value.form) {
  case DW_FORM_strp:
  case DW_FORM_strp_sup:
  case DW_FORM_GNU_strp_alt: return value.number;
  case DW_FORM_strx:
  case DW_FORM_strx1:
  case DW_FORM_strx2:
  case DW_FORM_strx3:
  case DW_FORM_strx4:
  case DW_FORM_GNU_str_index: {
    if (value.number > UINT32_MAX) return std::nullopt;
    Cursor table(unit.file->section(".debug_str_offsets"), unit.stringsBase + value.number * unit.offsetSize);
    uint64_t offset = table.number(unit.offsetSize);
    return table ? std::optional(offset) : std::nullopt;
  }
  default: return std::nullopt;
  }
}

std::string_view text(const Unit &unit, const Value &value) {
  File *file = unit.file;
  const char *section = ".debug_str";
  uint64_t offset = value.number;
  switch (value.form) {
  case DW_FORM_string: return {reinterpret_cast<const char *>(value.block.data()), value.block.size()};
  case DW_FORM_line_strp: section = ".debug_line_str"; break;
  case DW_FORM_strp_sup:
  case DW_FORM_GNU_strp_alt: file = file->supplement(); break;
  default:
    auto indexed = textOffset(unit, value);
    if (!indexed) return {};
    offset = *indexed;
  }
  return file != nullptr ? Cursor(file->section(section), offset).string() : std::string_view{};
}

std::optional<uint64_t> indexedAddress(const Unit &unit, uint64_t index) {
  const Unit &home = unit.skeleton != nullptr ? *unit.skeleton : unit;
  if (index > UINT32_MAX) return std::nullopt;
  Cursor table(home.file->section(".debug_addr"), home.addressesBase + index * home.addressSize);
  uint64_t address = table.number(home.addressSize);
  return table ? std::optional(address) : std::nullopt;
}

std::optional<uint64_t> address(const Unit &unit, const Value &value) {
  switch (value.form) {
  case DW_FORM_addr: return value.number;
  case DW_FORM_addrx:
  case DW_FORM_addrx1:
  case DW_FORM_addrx2:
  case DW_FORM_addrx3:
  case DW_FORM_addrx4:
  case DW_FORM_GNU_addr_index: return indexedAddress(unit, value.number);
  default: return std::nullopt;
  }
}

std::optional<uint64_t> constant(const Value &value) {
  switch (value.form) {
  case DW_FORM_sdata:
  case DW_FORM_implicit_const:
    if (static_cast<int64_t>(value.number) < 0) return std::nullopt;
    [[fallthrough]];
  case DW_FORM_data1:
  case DW_FORM_data2:
  case DW_FORM_data4:
  case DW_FORM_data8:
  case DW_FORM_udata: return value.number;
  default: return std::nullopt;
  }
}

std::optional<Entry> reference(Unit &unit, const Value &value) {
  auto in = [](Unit *home, uint64_t offset) { return home != nullptr ? entryAt(*home, offset) : std::nullopt; };
  switch (value.form) {
  case DW_FORM_ref1:
  case DW_FORM_ref2:
  case DW_FORM_ref4:
  case DW_FORM_ref8:
  case DW_FORM_ref_udata:
    return value.number < unit.end - unit.begin ? in(&unit, unit.begin + value.number) : std::nullopt;
  case DW_FORM_ref_addr: return in(unit.file->unitHolding(value.number), value.number);
  case DW_FORM_ref_sup4:
  case DW_FORM_ref_sup8:
  case DW_FORM_GNU_ref_alt: {
    File *other = unit.file->supplement();
    return other != nullptr ? in(other->unitHolding(value.number), value.number) : std::nullopt;
  }
  case DW_FORM_ref_sig8: {
    Unit *types = unit.file->typeUnit(value.number);
    return types != nullptr ? in(types, types->begin + types->typeEntry) : std::nullopt;
  }
  default: return std::nullopt;
  }
}

void eachRange(const Unit &unit, const Value &value, const std::function<bool(uint64_t, uint64_t)> &visit) {
  if (!value) return;
  unit.version >= 5 ? eachNewRange(unit, value, visit) : eachOldRange(unit, value, visit);
}

void walk(const Entry &parent, const Visit &visit) {
  uint64_t at = 0;
  pick(parent, {}, {}, at);
  if (at == 0 || !parent.abbreviation->hasChildren) return;
  Unit &unit = *parent.unit;
  unsigned depth = 0, over = UINT32_MAX; // entries deeper than `over` are not visited
  while (at < unit.end) {
    if (unit.section[at] == 0) { // the end of a list of children
      at++;
      if (depth == 0) return;
      if (--depth == over) over = UINT32_MAX;
      continue;
    }
    auto entry = entryAt(unit, at);
    if (!entry || !unit.file->pay(entry->abbreviation->count + 1)) return;
    Step step = Step::Over;
    uint64_t next = 0;
    if (depth <= over) step = visit(*entry, depth, next);
    if (step == Step::Stop) return;
    if (step == Step::Over && depth <= over && entry->abbreviation->hasChildren) {
      Value sibling[1];
      constexpr uint16_t kSibling[] = {DW_AT_sibling};
      pick(*entry, kSibling, sibling, next);
      uint64_t to = sibling[0] ? unit.begin + sibling[0].number : 0;
      if (to > next && to < unit.end && sibling[0].form != DW_FORM_ref_addr) {
        at = to;
        continue;
      }
      over = depth;
    }
    if (next == 0) pick(*entry, {}, {}, next);
    if (next == 0) return;
    at = next;
    if (!entry->abbreviation->hasChildren) continue;
    if (++depth > kDeepest) return;
  }
}

} // namespace lpc::target::dwarf
