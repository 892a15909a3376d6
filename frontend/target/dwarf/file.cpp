// Headers of units are read one by one as they are asked for; only a search that has no index goes through all of them.
//
// Split units are looked for as gdb does: in PROGRAM.dwp, at DW_AT_comp_dir/DW_AT_dwo_name, and under that file name
// beside the program. Their id has to be the skeleton's.
#include "frontend/target/dwarf/file.h"

#include <dwarf.h>

#include <algorithm>

#include "frontend/target/elf_file.h"
#include "frontend/target/paths.h"
#include "ir/support/cat.h"

namespace lpc::target::dwarf {
namespace {

constexpr uint64_t kWork = uint64_t{256} << 20; // a second or so
constexpr size_t kMostUnits = 400'000;
constexpr size_t kMostSplitFiles = 64;

} // namespace

struct File::Other {
  std::shared_ptr<const ElfFile> elf;
  File file;
  Other(std::shared_ptr<const ElfFile> opened, const std::string &path, Kind kind)
      : elf(std::move(opened)), file(elf->contents(), path, kind) {}
};

File::File(BytesView contents, std::string path, Kind kind)
    : sections_(contents), path_(std::move(path)), kind_(kind), work_(kWork) {
  if (kind != Kind::Package) return;
  readIndex(".debug_cu_index");
  readIndex(".debug_tu_index");
  std::ranges::sort(contributions_, {}, &Contribution::info);
}
File::~File() = default;

BytesView File::section(const std::string &name) {
  // Addresses are in the program alone, and what an index of a package says is not split further.
  return sections_.of(isSplit() && !name.ends_with("_index") ? cat(name, ".dwo") : name);
}

bool File::pay(uint64_t work) {
  bool enough = work <= work_;
  work_ -= enough ? work : work_;
  return enough;
}

// --- units
// ------------------------------------------------------------------------------------------------------------

std::unique_ptr<Unit> File::parse(BytesView section, uint64_t begin, bool types) {
  Cursor cursor(section, begin);
  auto unit = std::make_unique<Unit>(Unit{.file = this, .section = section, .begin = begin});
  uint64_t length = cursor.number(4);
  unit->offsetSize = length == 0xffffffff ? 8 : 4; // 7.4
  if (unit->offsetSize == 8) length = cursor.number(8);
  if (!cursor || length > section.size() - cursor.at()) return nullptr;
  unit->end = cursor.at() + length;
  unit->version = static_cast<uint16_t>(cursor.number(2));
  unit->type = types ? DW_UT_type : DW_UT_compile;
  if (unit->version >= 5) {
    unit->type = static_cast<uint8_t>(cursor.number(1));
    unit->addressSize = static_cast<uint8_t>(cursor.number(1));
    unit->abbreviationsAt = cursor.offset(unit->offsetSize);
    if (unit->type == DW_UT_skeleton || unit->type == DW_UT_split_compile) unit->id = cursor.number(8);
  } else {
    unit->abbreviationsAt = cursor.offset(unit->offsetSize);
    unit->addressSize = static_cast<uint8_t>(cursor.number(1));
  }
  if (unit->type == DW_UT_type || unit->type == DW_UT_split_type) {
    unit->id = cursor.number(8);
    unit->typeEntry = cursor.offset(unit->offsetSize);
  }
  unit->entries = cursor.at();
  bool known = unit->version >= 2 && unit->version <= 5 && (unit->addressSize == 4 || unit->addressSize == 8);
  if (!cursor || unit->entries > unit->end) return nullptr;
  if (!known) unit->entries = unit->end; // passed over
  if (const Contribution *contribution = types ? nullptr : contributionOf(begin))
    unit->abbreviationsAt += contribution->abbreviations;
  return unit;
}

// The attributes that the rest of the unit is read with.
void File::readFirst(Unit &unit) {
  unit.isRead = true;
  if (isSplit()) { // 7.3.2.2: their tables begin behind the headers
    const Contribution *part = contributionOf(unit.begin);
    uint64_t header = unit.version < 5 ? 0 : unit.offsetSize == 8 ? 16 : 8;
    unit.stringsBase = (part != nullptr ? part->strings : 0) + header;
    unit.listsBase = (part != nullptr ? part->lists : 0) + (unit.offsetSize == 8 ? 20 : 12);
  }
  // Of the unit's many abbreviations the first one will do.
  uint64_t work = work_;
  Cursor cursor(unit.section.first(unit.end), unit.entries);
  Abbreviations one(section(".debug_abbrev"), unit.abbreviationsAt, work, cursor.uleb());
  pay(work_ - work);
  const Abbreviation *abbreviation = nullptr;
  if (cursor && unit.entries < unit.end)
    abbreviation = one.find(Cursor(unit.section.first(unit.end), unit.entries).uleb());
  if (abbreviation == nullptr) return;
  unit.abbreviations = &one;
  auto [name, splitName, oldSplitName, folder, low, high, ranges, strings, addresses, oldAddresses, lists, oldRanges,
        id] = pick(Entry{&unit, unit.entries, abbreviation, cursor.at()},
                   {DW_AT_name, DW_AT_dwo_name, DW_AT_GNU_dwo_name, DW_AT_comp_dir, DW_AT_low_pc, DW_AT_high_pc,
                    DW_AT_ranges, DW_AT_str_offsets_base, DW_AT_addr_base, DW_AT_GNU_addr_base, DW_AT_rnglists_base,
                    DW_AT_GNU_ranges_base, DW_AT_GNU_dwo_id});
  unit.abbreviations = nullptr;
  if (strings) unit.stringsBase = strings.number;
  if (addresses || oldAddresses) unit.addressesBase = addresses ? addresses.number : oldAddresses.number;
  if (lists) unit.listsBase = lists.number;
  unit.hasAddresses = addresses || oldAddresses;
  unit.hasStrings = static_cast<bool>(strings);
  unit.rangesBase = oldRanges.number;
  if (id) unit.id = id.number;
  unit.name = text(unit, name);
  unit.folder = text(unit, folder);
  unit.splitName = text(unit, splitName ? splitName : oldSplitName);
  auto base = address(unit, low);
  unit.hasLow = base.has_value();
  unit.base = base.value_or(0);
  unit.high = high;
  unit.ranges = ranges;
}

Unit *File::unitAt(uint64_t begin) {
  auto known = units_.find(begin);
  if (known == units_.end()) {
    if (units_.size() >= kMostUnits) return nullptr;
    known = units_.emplace(begin, parse(section(".debug_info"), begin, false)).first;
  }
  Unit *unit = known->second.get();
  if (unit != nullptr && !unit->isRead) readFirst(*unit);
  return unit;
}

const std::vector<Unit *> &File::units() {
  if (allKnown_) return all_;
  allKnown_ = true;
  BytesView info = section(".debug_info");
  for (uint64_t at = 0; at < info.size() && all_.size() < kMostUnits;) {
    auto &unit = units_[at];
    if (!unit) unit = parse(info, at, false);
    if (!unit) break;
    all_.push_back(unit.get());
    at = unit->end;
  }
  return all_;
}

Unit *File::unitHolding(uint64_t offset) {
  const auto &all = units();
  auto behind = std::ranges::upper_bound(all, offset, {}, &Unit::begin);
  if (behind == all.begin() || offset >= behind[-1]->end) return nullptr;
  return unitAt(behind[-1]->begin);
}

void File::readTypeUnits() {
  typesKnown_ = true;
  for (Unit *unit : units())
    if (unit->type == DW_UT_type || unit->type == DW_UT_split_type) bySignature_.emplace(unit->id, unit);
  if (kind_ == Kind::Package) return;        // of version 4 they are in another section, which has other abbreviations
  BytesView types = section(".debug_types"); // versions up to 4
  for (uint64_t at = 0; at < types.size() && typeUnits_.size() < kMostUnits;) {
    auto unit = parse(types, at, true);
    if (!unit) break;
    at = unit->end;
    bySignature_.emplace(unit->id, unit.get());
    typeUnits_.push_back(std::move(unit));
  }
}

Unit *File::typeUnit(uint64_t signature) {
  if (!typesKnown_) readTypeUnits();
  auto found = bySignature_.find(signature);
  if (found == bySignature_.end()) return nullptr;
  if (!found->second->isRead) readFirst(*found->second);
  return found->second;
}

const Abbreviations &File::abbreviationsOf(Unit &unit) {
  if (unit.abbreviations == nullptr) {
    auto &known = abbreviations_[unit.abbreviationsAt];
    if (!known) known = std::make_unique<Abbreviations>(section(".debug_abbrev"), unit.abbreviationsAt, work_);
    unit.abbreviations = known.get();
  }
  return *unit.abbreviations;
}

// --- other files
// ------------------------------------------------------------------------------------------------------

std::unique_ptr<File::Other> File::openOther(const std::string &path, Kind kind) const {
  auto elf = ElfFile::open(path, path);
  return elf ? std::make_unique<Other>(std::move(*elf), path, kind) : nullptr;
}

Unit *File::unitWithId(uint64_t id) {
  for (const Contribution &part : contributions_)
    if (part.id == id)
      if (Unit *unit = unitAt(part.info); unit != nullptr && unit->type != DW_UT_split_type) return unit;
  if (kind_ == Kind::Package) return nullptr;
  for (Unit *unit : units())
    if (unitAt(unit->begin)->id == id && unit->type != DW_UT_split_type) return unit;
  return nullptr;
}

Unit *File::splitOf(Unit &skeleton) {
  if (skeleton.splitName.empty() || isSplit()) return &skeleton;
  auto [known, fresh] = splitUnits_.try_emplace(&skeleton, nullptr);
  if (!fresh) return known->second;
  if (!packageKnown_) package_ = openOther(path_ + ".dwp", Kind::Package);
  packageKnown_ = true;
  Unit *unit = package_ ? package_->file.unitWithId(skeleton.id) : nullptr;
  const std::string name(skeleton.splitName), beside = folderOf(path_);
  for (const std::string &path : {name.starts_with('/') ? name : cat(skeleton.folder, "/", name),
                                  cat(beside.empty() ? "." : beside, "/", fileNameOf(name))}) {
    if (unit != nullptr) break;
    if (!splitFiles_.contains(path)) {
      if (splitFiles_.size() >= kMostSplitFiles) break;
      splitFiles_.emplace(path, openOther(path, Kind::Split));
    }
    if (Other *other = splitFiles_.at(path).get()) unit = other->file.unitWithId(skeleton.id);
  }
  if (unit != nullptr && unit->skeleton == nullptr) unit->skeleton = &skeleton;
  return known->second = unit != nullptr && unit->skeleton == &skeleton ? unit : nullptr;
}

// .gnu_debugaltlink: a path, a NUL, and the build-id of that file. (Standard's .debug_sup says the same; nobody writes
// it.)
File *File::supplement() {
  if (supplementKnown_) return supplement_ ? &supplement_->file : nullptr;
  supplementKnown_ = true;
  BytesView link = sections_.of(".gnu_debugaltlink");
  Cursor cursor(link, 0);
  const std::string name(cursor.string());
  if (!cursor || name.empty() || cursor.at() >= link.size()) return nullptr;
  Bytes wanted(link.begin() + static_cast<std::ptrdiff_t>(cursor.at()), link.end());
  const std::string id = toHex(wanted), folder = folderOf(path_);
  for (const std::string &path : {name.starts_with('/') || folder.empty() ? name : cat(folder, "/", name),
                                  cat("/usr/lib/debug/.build-id/", id.substr(0, 2), "/", id.substr(2), ".debug")}) {
    auto other = openOther(path, Kind::Whole);
    if (!other || other->elf->buildId() != wanted) continue;
    other->file.supplementKnown_ = true; // it has none of its own
    supplement_ = std::move(other);
    return &supplement_->file;
  }
  return nullptr;
}

// --- packages
// ---------------------------------------------------------------------------------------------------------

// 7.3.5.3; version 2 is GNU's, from before the standard.
void File::readIndex(const char *name) {
  constexpr uint32_t kInfo = 1, kAbbreviations = 3, kStrings = 6, kLists = 8; // DW_SECT_
  BytesView section = sections_.of(name);
  Cursor header(section, 0);
  uint64_t version = header.number(4), columns = header.number(4), rows = header.number(4), slots = header.number(4);
  if ((version & 0xffff) == 5) version = 5; // it has two bytes, and two of padding
  if (!header || (version != 2 && version != 5) || columns > 16 || slots > section.size() / 12) return;
  const uint64_t ids = header.at(), indexes = ids + slots * 8, kinds = indexes + slots * 4,
                 offsets = kinds + columns * 4, sizes = offsets + rows * columns * 4;
  for (uint64_t slot = 0; slot < slots; slot++) {
    uint64_t id = Cursor(section, ids + slot * 8).number(8), row = Cursor(section, indexes + slot * 4).number(4);
    if (row == 0 || row > rows) continue;
    Contribution part{.id = id};
    for (uint64_t column = 0; column < columns; column++) {
      uint64_t kind = Cursor(section, kinds + column * 4).number(4);
      uint64_t at = ((row - 1) * columns + column) * 4;
      uint64_t offset = Cursor(section, offsets + at).number(4), size = Cursor(section, sizes + at).number(4);
      if (kind == kInfo) part.info = offset, part.size = size;
      if (kind == kAbbreviations) part.abbreviations = offset;
      if (kind == kStrings) part.strings = offset;
      if (kind == kLists && version == 5) part.lists = offset;
    }
    if (part.size != 0) contributions_.push_back(part);
  }
}

const File::Contribution *File::contributionOf(uint64_t begin) const {
  auto behind = std::ranges::upper_bound(contributions_, begin, {}, &Contribution::info);
  if (behind == contributions_.begin() || begin - behind[-1].info >= behind[-1].size) return nullptr;
  return &behind[-1];
}

} // namespace lpc::target::dwarf
