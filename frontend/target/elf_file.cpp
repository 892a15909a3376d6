// ElfFile: the parts of this folder behind one door. elf_image.cpp reads headers through libObject, dynamic_section.cpp
// reads PT_DYNAMIC, name_scan.cpp and symbol_lookup.cpp find names, neighbours.cpp and address_index.cpp addresses.
#include "frontend/target/elf_file.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "frontend/target/address_index.h"
#include "frontend/target/debug_info.h"
#include "frontend/target/elf_image.h"
#include "frontend/target/file_contents.h"
#include "frontend/target/import_slots.h"
#include "frontend/target/neighbours.h"
#include "frontend/target/relocated_ranges.h"
#include "frontend/target/symbol_lookup.h"
#include "ir/support/cat.h"

namespace lpc::target {
namespace {

// bytesAt() gives no more zeros than this beyond the file's own bytes: no value and no function is as long, but a
// segment of zeros may be as long as a file says.
constexpr uint64_t kMostZeros = uint64_t{64} << 20;
// Copied names of one call together.
constexpr size_t kMostNameBytes = size_t{256} << 20;

constexpr uint16_t kRelocatable = 1; // ET_REL

bool holds(uint64_t begin, uint64_t size, uint64_t address) { return address >= begin && address - begin < size; }

} // namespace

struct ElfFile::Impl {
  std::string name;
  FileContents contents;
  ElfImage image;
  std::string path; // "" for bytes
  std::shared_ptr<const ElfFile> debug;
  // Made on first use.
  std::optional<std::unique_ptr<DebugInfo>> debugInfo;
  std::optional<RelocatedRanges> relocated;
  std::optional<Neighbours> neighbours;
  std::optional<AddressIndex> addresses;
  SeenSymbols seen{};
  unsigned questions = 0; // by address that needed a scan, so far

  [[nodiscard]] SymbolLookup lookup() {
    SymbolLookup::Source separate;
    if (debug) separate = {&debug->impl_->image, &debug->impl_->contents};
    return SymbolLookup({&image, &contents}, separate, seen);
  }
  [[nodiscard]] std::optional<Surroundings> near(uint64_t address);
  [[nodiscard]] Surroundings around(uint64_t address);
};

ElfFile::ElfFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ElfFile::~ElfFile() = default;

Result<std::shared_ptr<const ElfFile>> ElfFile::open(const std::string &path, std::string name) {
  auto contents = FileContents::map(path, name);
  if (!contents) return std::unexpected(std::move(contents.error()));
  auto image = readElfImage(contents->view(), name);
  if (!image) return std::unexpected(std::move(image.error()));
  auto impl = std::make_unique<Impl>(std::move(name), std::move(*contents), std::move(*image), path);
  return std::shared_ptr<const ElfFile>(new ElfFile(std::move(impl)));
}

Result<std::shared_ptr<const ElfFile>> ElfFile::fromBytes(Bytes bytes, std::string name) {
  FileContents contents(std::move(bytes));
  auto image = readElfImage(contents.view(), name); // views stay valid: moving a vector moves no bytes
  if (!image) return std::unexpected(std::move(image.error()));
  auto impl = std::make_unique<Impl>(std::move(name), std::move(contents), std::move(*image));
  return std::shared_ptr<const ElfFile>(new ElfFile(std::move(impl)));
}

// --- what the headers say ---------------------------------------------------------------------------------------

const std::string &ElfFile::name() const { return impl_->name; }
Machine ElfFile::machine() const { return impl_->image.machine; }
uint16_t ElfFile::elfType() const { return impl_->image.type; }
BytesView ElfFile::contents() const { return impl_->contents.view(); }
const Bytes &ElfFile::buildId() const { return impl_->image.buildId; }
const std::string &ElfFile::soname() const { return impl_->image.soname; }
const std::string &ElfFile::interpreter() const { return impl_->image.interpreter; }
const std::vector<std::string> &ElfFile::needed() const { return impl_->image.needed; }
const std::string &ElfFile::runpath() const { return impl_->image.runpath; }
const std::string &ElfFile::rpath() const { return impl_->image.rpath; }
bool ElfFile::noDefaultLibraries() const { return impl_->image.noDefaultLibraries; }
bool ElfFile::isDebugFile() const { return impl_->image.debugOnly; }
const std::vector<Segment> &ElfFile::segments() const { return impl_->image.segments; }
const std::vector<Section> &ElfFile::sections() const { return impl_->image.sections; }
std::optional<std::pair<std::string, uint32_t>> ElfFile::debugLink() const { return impl_->image.debugLink; }

bool ElfFile::hasSymbolTable() const {
  return impl_->image.symtab.has_value() || (impl_->debug && impl_->debug->impl_->image.symtab.has_value());
}

// --- what stands at an address ----------------------------------------------------------------------------------

const Segment *ElfFile::segmentAt(LinkAddress address) const {
  for (const Segment &segment : impl_->image.segments)
    if (holds(segment.address.value, segment.memorySize, address.value)) return &segment;
  return nullptr;
}

const Section *ElfFile::sectionAt(LinkAddress address) const {
  if (impl_->image.type == kRelocatable) return nullptr; // its sections have no addresses yet
  for (const Section &section : impl_->image.sections)
    if (section.loaded && holds(section.address.value, section.size, address.value)) return &section;
  return nullptr;
}

std::optional<Bytes> ElfFile::bytesAt(LinkAddress address, uint64_t size) const {
  const Segment *segment = segmentAt(address);
  if (!segment || impl_->image.debugOnly) return std::nullopt;
  uint64_t offset = address - segment->address;
  if (size > segment->memorySize - offset) return std::nullopt;
  uint64_t inFile = offset < segment->fileSize ? std::min(size, segment->fileSize - offset) : 0;
  if (size - inFile > kMostZeros) return std::nullopt;
  Bytes bytes(size);
  BytesView file = impl_->contents.view().subspan(segment->offset.value, segment->fileSize);
  if (inFile > 0) std::ranges::copy(file.subspan(offset, inFile), bytes.begin());
  return bytes;
}

bool ElfFile::isRelocated(LinkAddress address, uint64_t size) const {
  if (!impl_->relocated) impl_->relocated.emplace(impl_->image);
  return impl_->relocated->touch(address.value, size);
}

// --- symbols by address -----------------------------------------------------------------------------------------

namespace {

// Below this, an index costs less than a page fault.
constexpr size_t kFewSymbols = 20'000;

struct Sources {
  std::vector<SymbolSource> tables;
  size_t symbols = 0;
};
Sources sourcesOf(const SymbolLookup &lookup) {
  Sources out;
  for (const SymbolLookup::Table &table : lookup.tables()) {
    out.tables.push_back({table.table, table.contents});
    out.symbols += table.table->count();
  }
  return out;
}

} // namespace

// What is near the functions that were found by name before the first question; nothing where the address is not.
std::optional<Surroundings> ElfFile::Impl::near(uint64_t address) {
  if (!neighbours && !addresses && !seen.places.empty())
    if (Sources sources = sourcesOf(lookup()); sources.symbols > kFewSymbols) {
      seen.places.push_back(address);
      neighbours.emplace(sources.tables, image.machine == Machine::AArch64, seen.places);
    }
  seen.places.clear();
  return neighbours ? neighbours->around(address) : std::nullopt;
}

Surroundings ElfFile::Impl::around(uint64_t address) {
  constexpr unsigned kFewQuestions = 2; // from so many on, an index is worth its cost
  if (addresses) return addresses->around(address);
  Sources sources = sourcesOf(lookup());
  const bool leaveOutMarkers = image.machine == Machine::AArch64;
  if (sources.symbols > kFewSymbols && questions++ < kFewQuestions)
    return scanAround(sources.tables, leaveOutMarkers, address);

  uint64_t lowest = UINT64_MAX, highest = 0;
  for (const Segment &segment : image.segments) {
    lowest = std::min(lowest, segment.address.value);
    highest = std::max(highest, segment.address.value + segment.memorySize);
  }
  return addresses.emplace(std::move(sources.tables), leaveOutMarkers, std::min(lowest, highest), highest)
      .around(address);
}

namespace {

// Which of several symbols is the one to show: what has a type before labels, what others can see before locals,
// `malloc` before `__libc_malloc`.
auto preference(const Symbol &symbol) {
  int binding = symbol.binding == Binding::Global ? 0 : symbol.binding == Binding::Weak ? 1 : 2;
  return std::tuple(symbol.kind == SymbolKind::NoType, binding, symbol.name.starts_with('_'), symbol.name);
}

} // namespace

std::optional<Symbol> ElfFile::symbolAt(LinkAddress address) const {
  Surroundings around = impl_->near(address.value).value_or(Surroundings{});
  if (around.holding.empty() && (around.before.empty() || !around.next)) around = impl_->around(address.value);
  // Of those that hold the address, the smallest. Else a symbol without size reaches to the next one, which must be
  // behind the address; a sized one that is nearer ends before it.
  const auto &candidates = around.holding.empty() ? around.before : around.holding;
  if (candidates.empty()) return std::nullopt;
  uint64_t size = std::ranges::min(candidates, {}, &IndexedSymbol::size).size;
  if (around.holding.empty() && std::ranges::max(candidates, {}, &IndexedSymbol::size).size != 0) return std::nullopt;
  SymbolLookup lookup = impl_->lookup();
  std::vector<SymbolLookup::Table> tables = lookup.tables();
  std::optional<Symbol> best;
  for (const IndexedSymbol &each : candidates) {
    if (each.size != size) continue;
    Symbol symbol = lookup.describe(tables[each.source], each.symbol);
    if (!best || preference(symbol) < preference(*best)) best = std::move(symbol);
  }
  if (around.holding.empty()) {
    LinkAddress end = endOfBlock(best->address);
    if (around.next) end = std::min(end, LinkAddress{*around.next});
    if (address >= end) return std::nullopt; // in another section
    best->size = end - best->address;
  }
  return best;
}

// The end of the section, else segment, that holds the address; the address itself where none does.
LinkAddress ElfFile::endOfBlock(LinkAddress address) const {
  if (const Section *section = sectionAt(address)) return section->address + section->size;
  if (const Segment *segment = segmentAt(address)) return segment->address + segment->memorySize;
  return address;
}

LinkAddress ElfFile::nextSymbol(LinkAddress address) const {
  LinkAddress end = endOfBlock(address);
  auto near = impl_->near(address.value);
  std::optional<uint64_t> next = near && near->next ? near->next : impl_->around(address.value).next;
  return next ? std::min(end, LinkAddress{*next}) : end;
}

// --- symbols by name --------------------------------------------------------------------------------------------

std::vector<std::vector<Symbol>> ElfFile::find(const std::vector<std::string> &names, Spelling spelling) const {
  return impl_->lookup().find(names, spelling);
}

std::vector<ElfFile::Undefined> ElfFile::undefinedSymbols() const {
  constexpr uint16_t kUndefined = 0;                          // SHN_UNDEF
  constexpr unsigned kLocal = 0, kWeak = 2, kThreadLocal = 6; // STB_LOCAL, STB_WEAK, STT_TLS
  const ElfImage &image = impl_->image;
  const auto &table = image.type == kRelocatable ? image.symtab : image.dynsym;
  if (!table) return {};
  std::vector<Undefined> result;
  std::unordered_map<std::string_view, size_t> known;
  size_t total = 0;
  for (size_t i = 0; i < table->count(); i++) {
    SymbolEntry entry = entryAt(*table, i);
    if (entry.section != kUndefined || entry.name == 0 || entry.binding() == kLocal) continue;
    std::string_view name = nameOf(*table, entry);
    bool weak = entry.binding() == kWeak;
    auto [position, isNew] = known.try_emplace(name, result.size());
    if (!isNew) {
      result[position->second].weak = result[position->second].weak && weak;
      continue;
    }
    total += name.size();
    if (name.empty() || total > kMostNameBytes) {
      known.erase(position);
      continue;
    }
    result.push_back({.name = std::string(name), .weak = weak, .threadLocal = entry.type() == kThreadLocal});
  }
  return result;
}

std::vector<LinkAddress> ElfFile::resolvedSlots(LinkAddress resolver) const {
  return target::resolvedSlots(impl_->image, resolver);
}

std::vector<ElfFile::ImportSlot> ElfFile::importSlots(std::string_view symbol) const {
  return target::importSlots(impl_->image, symbol);
}

std::vector<std::vector<Symbol>> ElfFile::clonesOf(const std::vector<std::string> &names) const {
  return impl_->lookup().clonesOf(names);
}

std::vector<std::string> ElfFile::symbolNames(size_t limit) const {
  std::vector<std::string> names;
  size_t total = 0;
  SymbolLookup lookup = impl_->lookup();
  for (const SymbolLookup::Table &table : lookup.tables()) {
    for (size_t i = 0; i < table.table->count() && names.size() < limit && total < kMostNameBytes; i++) {
      SymbolEntry entry = entryAt(*table.table, i);
      if (!isDefinition(entry)) continue;
      std::string name = lookup.nameToWrite(table, i);
      total += name.size();
      if (!name.empty()) names.push_back(std::move(name));
    }
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

// --- the debug file ---------------------------------------------------------------------------------------------

Result<void> ElfFile::attachDebugFile(std::shared_ptr<const ElfFile> debug) const {
  if (debug->machine() != machine())
    return fail(DiagnosticId::DebugFileMismatch,
                cat("debug file `", debug->name(), "` is for another machine than `", name(), "`"));
  if (!buildId().empty() && !debug->buildId().empty() && buildId() != debug->buildId())
    return std::unexpected(Error{DiagnosticId::DebugFileMismatch,
                                 cat("debug file `", debug->name(), "` belongs to another build of `", name(), "`"),
                                 {{.message = cat("`", name(), "` has build-id ", toHex(buildId()))},
                                  {.message = cat("`", debug->name(), "` has build-id ", toHex(debug->buildId()))}}});
  impl_->debug = std::move(debug);
  impl_->debugInfo.reset();
  impl_->neighbours.reset();
  impl_->addresses.reset();
  impl_->seen = {};
  impl_->questions = 0;
  return {};
}

DebugInfo *ElfFile::debugInfo() const {
  if (!impl_->debugInfo) {
    auto own = DebugInfo::of(contents(), impl_->path);
    if (!own && impl_->debug) own = DebugInfo::of(impl_->debug->contents(), impl_->debug->impl_->path);
    impl_->debugInfo.emplace(std::move(own));
  }
  return impl_->debugInfo->get();
}

} // namespace lpc::target
