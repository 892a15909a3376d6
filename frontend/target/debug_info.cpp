// A unit that matters is read once, and of it is kept: where its functions and variables begin, and which functions
// were inlined where. Everything else is read when asked for.
//
// A variable's unit is in no index of .debug_aranges, and often there is no other: then its address is searched in
// .debug_info as bytes (DW_OP_addr, address), which takes a tenth of the time that reading the entries would.
#include "frontend/target/debug_info.h"

#include <dwarf.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "frontend/target/dwarf/index.h"
#include "frontend/target/dwarf/types.h"

namespace lpc::target {

using namespace dwarf;

namespace {

constexpr size_t kMostCopies = 100'000;   // of one unit
constexpr size_t kMostUnitsSearched = 64; // for copies of one function

// The abstract function that copies refer to.
struct Origin {
  uint64_t offset = 0;       // in .debug_info
  bool inSupplement = false; // of dwz's common file
  auto operator<=>(const Origin &) const = default;
};

struct Inlined {
  Origin origin;
  uint64_t function = 0; // offset of the function that it stands in
};

struct Contents {
  std::unordered_map<uint64_t, uint64_t> functions; // by address: the offset of the entry
  std::unordered_map<uint64_t, uint64_t> variables;
  std::vector<Inlined> inlined;
  bool complete = true;
};

// The address in "DW_OP_addr ADDRESS" and its relatives: variables of the program.
std::optional<uint64_t> addressOfVariable(const Unit &unit, const Value &location) {
  Cursor cursor(location.block, 0);
  uint64_t operation = cursor.number(1), operand = 0;
  switch (operation) {
  case DW_OP_addr: operand = cursor.number(unit.addressSize); break;
  case DW_OP_addrx:
  case DW_OP_GNU_addr_index: operand = cursor.uleb(); break;
  default: return std::nullopt;
  }
  if (!cursor || cursor.at() != location.block.size()) return std::nullopt;
  return operation == DW_OP_addr ? operand : indexedAddress(unit, operand);
}

// Where a function begins: its lowest address, or the first of its ranges, which is where it is entered.
std::optional<uint64_t> beginOf(const Unit &unit, const Value &low, const Value &ranges, const Value &entry) {
  if (auto begin = address(unit, entry)) return begin;
  if (auto begin = address(unit, low)) return begin;
  std::optional<uint64_t> first;
  eachRange(unit, ranges, [&](uint64_t begin, uint64_t) {
    first = begin;
    return false;
  });
  return first;
}

bool holdsCode(unsigned tag) {
  switch (tag) {
  case DW_TAG_subprogram:
  case DW_TAG_inlined_subroutine:
  case DW_TAG_lexical_block:
  case DW_TAG_try_block:
  case DW_TAG_catch_block:
  case DW_TAG_namespace:
  case DW_TAG_module:
  case DW_TAG_variable: return true;
  default: return false;
  }
}

// Where it refers to is all that counts here; the reference itself need not be followed.
Origin originAt(const Unit &unit, const Value &reference) {
  switch (reference.form) {
  case DW_FORM_ref_addr: return {reference.number};
  case DW_FORM_ref_sup4:
  case DW_FORM_ref_sup8:
  case DW_FORM_GNU_ref_alt: return {reference.number, true};
  default: return {unit.begin + reference.number};
  }
}

Contents read(Unit &unit) {
  Contents out;
  auto top = entryAt(unit, unit.entries);
  if (!top) return out;
  std::vector<std::pair<unsigned, uint64_t>> inside; // functions around the entry, with their depths
  walk(*top, [&](const Entry &entry, unsigned depth, uint64_t &next) {
    while (!inside.empty() && inside.back().first >= depth)
      inside.pop_back();
    if (!holdsCode(entry.tag())) return Step::Over;
    constexpr uint16_t kNames[] = {DW_AT_low_pc, DW_AT_ranges, DW_AT_entry_pc, DW_AT_abstract_origin, DW_AT_location};
    Value values[std::size(kNames)];
    pick(entry, kNames, values, next);
    const auto &[low, ranges, entryPoint, origin, location] = values;
    if (entry.tag() == DW_TAG_variable) {
      if (auto at = addressOfVariable(unit, location)) out.variables.emplace(*at, entry.offset);
      return Step::Over;
    }
    if (entry.tag() == DW_TAG_subprogram) {
      auto begin = beginOf(unit, low, ranges, entryPoint);
      if (!begin) return Step::Into; // it was inlined everywhere, and may have static variables
      out.functions.emplace(*begin, entry.offset);
      inside.emplace_back(depth, entry.offset);
    } else if (entry.tag() == DW_TAG_inlined_subroutine && !inside.empty() && origin) {
      out.complete = out.complete && out.inlined.size() < kMostCopies;
      if (out.complete) out.inlined.push_back({originAt(unit, origin), inside.back().second});
    }
    return Step::Into;
  });
  return out;
}

// "ns::limits" of "_ZN2ns6limitsE": how an index that has C++ names writes it. Not of templates, whose names are
// written in many ways.
std::string cxxName(std::string_view mangled) {
  if (!mangled.starts_with("_ZN")) return {};
  mangled.remove_prefix(3);
  if (mangled.starts_with('L')) mangled.remove_prefix(1);
  std::string name;
  while (!mangled.empty() && mangled[0] >= '1' && mangled[0] <= '9') {
    size_t length = 0;
    for (; !mangled.empty() && mangled[0] >= '0' && mangled[0] <= '9' && length <= mangled.size();
         mangled.remove_prefix(1))
      length = length * 10 + static_cast<size_t>(mangled[0] - '0');
    if (length > mangled.size()) return {};
    if (!name.empty()) name += "::";
    name += mangled.substr(0, length);
    mangled.remove_prefix(length);
  }
  return mangled == "E" ? name : std::string{};
}

bool bears(const Entry &entry, const std::string &name) {
  std::string_view linkage = linkageNameOf(entry);
  return (linkage.empty() ? nameOf(entry) : linkage) == name;
}

} // namespace

struct DebugInfo::Impl {
  File file;
  AddressIndex addresses;
  bool relocatable = false;
  std::unordered_map<Unit *, Contents> read_;
  std::unordered_map<uint64_t, Entry> functions, variables; // of the units that were read
  std::unordered_set<uint64_t> noVariables;                 // that were searched

  Impl(BytesView contents, const std::string &path) : file(contents, path), addresses(file) {}

  // The whole unit that a unit of the file is about; null where it is elsewhere, and not found.
  const Contents *contentsOf(Unit *unit) {
    unit = unit != nullptr ? file.splitOf(*unit) : nullptr;
    if (unit == nullptr) return nullptr;
    auto [known, fresh] = read_.try_emplace(unit);
    if (!fresh) return &known->second;
    known->second = read(*unit);
    for (const auto &[from, to] :
         {std::pair(&known->second.functions, &functions), std::pair(&known->second.variables, &variables)})
      for (const auto &[address, offset] : *from)
        if (auto entry = entryAt(*unit, offset)) to->emplace(address, *entry);
    return &known->second;
  }

  void readUnitsOfName(const std::string &name) {
    for (const std::string &spelling : {name, cxxName(name)})
      if (!spelling.empty())
        for (Unit *unit : unitsOfName(file, spelling).units)
          contentsOf(unit);
  }

  static const Entry *at(const std::unordered_map<uint64_t, Entry> &known, uint64_t address) {
    auto found = known.find(address);
    return found == known.end() ? nullptr : &found->second;
  }

  std::optional<Entry> byName(const Symbol &symbol, bool function) {
    for (Unit *each : file.units()) {
      Unit *unit = file.unitAt(each->begin);
      unit = unit != nullptr ? file.splitOf(*unit) : nullptr;
      auto top = unit != nullptr ? entryAt(*unit, unit->entries) : std::nullopt;
      std::optional<Entry> found;
      if (top)
        walk(*top, [&](const Entry &entry, unsigned, uint64_t &) {
          if (entry.tag() == DW_TAG_namespace) return Step::Into;
          if (entry.tag() != (function ? DW_TAG_subprogram : DW_TAG_variable) || !bears(entry, symbol.name))
            return Step::Over;
          auto [low, ranges, location, declaration] =
              pick(entry, {DW_AT_low_pc, DW_AT_ranges, DW_AT_location, DW_AT_declaration});
          if (flag(declaration) || !(low || ranges || location)) return Step::Over;
          found = entry;
          return Step::Stop;
        });
      if (found) return found;
    }
    return std::nullopt;
  }

  std::optional<Entry> function(const Symbol &symbol) {
    if (relocatable) return byName(symbol, true);
    const uint64_t address = symbol.address.value;
    if (const Entry *known = at(functions, address)) return *known;
    contentsOf(addresses.unitOf(address));
    if (const Entry *known = at(functions, address)) return *known;
    return std::nullopt;
  }

  std::optional<Entry> variable(const Symbol &symbol) {
    if (relocatable) return byName(symbol, false);
    const uint64_t address = symbol.address.value;
    if (const Entry *known = at(variables, address)) return *known;
    if (!noVariables.insert(address).second) return std::nullopt;
    readUnitsOfName(symbol.name);
    if (at(variables, address) == nullptr) readUnitsWith(address);
    const Entry *known = at(variables, address);
    return known != nullptr ? std::optional(*known) : std::nullopt;
  }

  void readUnitsWith(uint64_t address) {
    constexpr size_t kMostHits = 16;
    for (unsigned size : {8U, 4U}) { // of an address; which one, the units' headers would say
      Bytes needle{DW_OP_addr};
      if (size == 4 && address > UINT32_MAX) return;
      appendLittle(needle, address, size);
      if (size == 4 && !variables.empty()) return;
      for (uint64_t at : findBytes(file, file.section(".debug_info"), needle, kMostHits))
        if (Unit *unit = file.unitHolding(at); unit != nullptr && unit->addressSize == size) contentsOf(unit);
      if (at(variables, address) != nullptr) return;
      BytesView table = file.section(".debug_addr");
      for (uint64_t at : findBytes(file, table, BytesView(needle).subspan(1), kMostHits))
        contentsOf(unitWithPart(at, &Unit::hasAddresses, &Unit::addressesBase));
      if (at(variables, address) != nullptr) return;
    }
  }

  // The unit whose part of .debug_addr or .debug_str_offsets holds the offset: parts have no end, but the next one.
  Unit *unitWithPart(uint64_t offset, bool Unit::*states, uint64_t Unit::*base) {
    Unit *best = nullptr;
    for (Unit *each : file.units()) {
      Unit *unit = file.unitAt(each->begin);
      bool nearer = best == nullptr || unit->*base > best->*base;
      if (unit->*states && unit->*base <= offset && nearer) best = unit;
    }
    return best;
  }

  // Adds the copies of the abstract function at this offset that stand in one unit.
  void addCopies(Unit *unit, const Origin &origin, std::map<uint64_t, InlinedCopies::Into> &into, bool &more) {
    const Contents *contents = contentsOf(unit);
    if (contents == nullptr) return;
    more = more || !contents->complete;
    unit = file.splitOf(*unit);
    for (const Inlined &each : contents->inlined) {
      auto caller = each.origin == origin ? entryAt(*unit, each.function) : std::nullopt;
      if (!caller) continue;
      auto [low, ranges, entry] = pick(*caller, {DW_AT_low_pc, DW_AT_ranges, DW_AT_entry_pc});
      uint64_t begin = beginOf(*unit, low, ranges, entry).value_or(0);
      auto [known, fresh] = into.try_emplace(begin);
      if (fresh) known->second = {std::string(nameOf(*caller)), LinkAddress{begin}, std::string(unit->name), 0};
      known->second.copies++;
    }
  }

  // The abstract functions whose copies stand in a unit of the file, each once.
  std::vector<Origin> originsIn(Unit *unit) {
    std::vector<Origin> origins;
    if (const Contents *contents = contentsOf(unit))
      for (const Inlined &each : contents->inlined)
        if (origins.empty() || origins.back() != each.origin) origins.push_back(each.origin);
    std::ranges::sort(origins);
    origins.erase(std::ranges::unique(origins).begin(), origins.end());
    return origins;
  }

  std::optional<Entry> entryOf(const Origin &origin) {
    File *home = origin.inSupplement ? file.supplement() : &file;
    Unit *unit = home != nullptr ? home->unitHolding(origin.offset) : nullptr;
    return unit != nullptr ? entryAt(*unit, origin.offset) : std::nullopt;
  }

  // Units that name this place of .debug_str, themselves or by their part of .debug_str_offsets; or this one of
  // .debug_info.
  std::vector<Unit *> unitsWithWord(uint64_t number, unsigned size, bool &more) {
    Bytes needle;
    appendLittle(needle, number, size);
    std::vector<Unit *> units;
    auto add = [&](Unit *unit) {
      // What is in another file has places of its own.
      if (unit == nullptr || !unit->splitName.empty() || std::ranges::find(units, unit) != units.end()) return;
      more = more || units.size() >= kMostUnitsSearched;
      if (units.size() < kMostUnitsSearched) units.push_back(unit);
    };
    constexpr size_t kMostHits = 64 * kMostUnitsSearched;
    for (uint64_t at : findBytes(file, file.section(".debug_info"), needle, kMostHits))
      add(file.unitHolding(at));
    for (uint64_t at : findBytes(file, file.section(".debug_str_offsets"), needle, kMostUnitsSearched + 1))
      add(unitWithPart(at, &Unit::hasStrings, &Unit::stringsBase));
    return units;
  }
};

DebugInfo::DebugInfo(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DebugInfo::~DebugInfo() = default;

std::unique_ptr<DebugInfo> DebugInfo::of(BytesView contents, const std::string &path) {
  if (!Sections(contents).has(".debug_info")) return nullptr;
  std::unique_ptr<DebugInfo> out(new DebugInfo(std::make_unique<Impl>(contents, path)));
  constexpr size_t kType = 16; // e_type
  out->impl_->relocatable = loadLittle(contents.subspan(kType, 2)) == 1;
  return out;
}

std::optional<DebugSignature> DebugInfo::signature(const Symbol &function) {
  auto entry = impl_->function(function);
  return entry ? signatureOf(*entry) : std::nullopt;
}

std::vector<VariablePart> DebugInfo::partsAt(const Symbol &variable, uint64_t offset) {
  auto entry = impl_->variable(variable);
  return entry ? partsOf(*entry, offset) : std::vector<VariablePart>{};
}

// A function that was inlined has an abstract instance, which its code and every copy refer to (DWARF 5, 3.3.8.1): in
// its own unit; or, with link-time optimisation or dwz, in another one, which then all of them name by its place in
// .debug_info. A function of a header has one in each unit that was compiled with it; what those have in common is its
// linker's name, a string that stands once in .debug_str. dwz leaves some of them where they were.
InlinedCopies DebugInfo::inlinedCopies(const Symbol &function) {
  InlinedCopies out;
  auto entry = impl_->function(function);
  auto abstract = entry ? reference(*entry->unit, pick(*entry, DW_AT_abstract_origin)) : std::nullopt;
  if (!abstract || impl_->relocatable) return out;
  File &file = impl_->file;
  std::map<uint64_t, InlinedCopies::Into> into;
  const Origin origin{abstract->offset, abstract->unit->file != entry->unit->file};
  Unit *home = entry->unit->skeleton == nullptr ? entry->unit : impl_->addresses.unitOf(function.address.value);
  impl_->addCopies(home, origin, into, out.more);

  const bool split = entry->unit->file != &file, elsewhere = abstract->unit != entry->unit;
  if (elsewhere && !split)
    for (Unit *unit : impl_->unitsWithWord(origin.offset, entry->unit->offsetSize, out.more))
      if (unit != home) impl_->addCopies(unit, origin, into, out.more);

  auto [inlined, external] = pick(*abstract, {DW_AT_inline, DW_AT_external});
  bool declared = constant(inlined).value_or(0) >= DW_INL_declared_not_inlined; // clang does not tell
  if (flag(external) && (declared || function.binding == Binding::Weak) && !split) {
    Entry source = originOf(*abstract);
    Value linkage = pick(source, DW_AT_linkage_name);
    auto offset = textOffset(*source.unit, linkage ? linkage : pick(source, DW_AT_name));
    auto units = offset ? impl_->unitsWithWord(*offset, source.unit->offsetSize, out.more) : std::vector<Unit *>{};
    for (Unit *unit : units)
      for (const Origin &other : impl_->originsIn(unit))
        if (bool known = other == origin && (elsewhere || unit == home); !known)
          if (auto named = impl_->entryOf(other); named && file.pay(8) && bears(*named, function.name))
            impl_->addCopies(unit, other, into, out.more);
  }
  for (auto &[address, each] : into)
    if (address != function.address.value) out.functions.push_back(std::move(each));
  return out;
}

} // namespace lpc::target
