// ElfFile: the parts of this folder behind one door. elf_image.cpp reads headers through libObject, dynamic_section.cpp
// reads PT_DYNAMIC, name_scan.cpp and symbol_lookup.cpp find names, address_index.cpp finds addresses.
#include "frontend/target/elf_file.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "frontend/target/address_index.h"
#include "frontend/target/elf_image.h"
#include "frontend/target/file_contents.h"
#include "frontend/target/relocated_ranges.h"
#include "frontend/target/symbol_lookup.h"
#include "ir/support/cat.h"

namespace lpc::target {
namespace {

// bytesAt() of more is refused: no value and no function is as long, but a segment's zeros may be as long as a file
// says.
constexpr uint64_t kLongestRead = uint64_t{64} << 20;
// Copied names of one call together.
constexpr size_t kMostNameBytes = size_t{256} << 20;

constexpr uint16_t kRelocatable = 1; // ET_REL

bool holds(uint64_t begin, uint64_t size, uint64_t address) { return address >= begin && address - begin < size; }

} // namespace

struct ElfFile::Impl {
  std::string name;
  FileContents contents;
  ElfImage image;
  std::shared_ptr<const ElfFile> debug;
  // Made on first use.
  std::optional<RelocatedRanges> relocated;
  std::optional<AddressIndex> addresses;

  [[nodiscard]] SymbolLookup lookup() const {
    SymbolLookup::Source separate;
    if (debug) separate = {&debug->impl_->image, &debug->impl_->contents};
    return SymbolLookup({&image, &contents}, separate);
  }
  const AddressIndex &index();
  [[nodiscard]] std::optional<Symbol> sizedSymbolAt(uint64_t address);
};

ElfFile::ElfFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ElfFile::~ElfFile() = default;

Result<std::shared_ptr<const ElfFile>> ElfFile::open(const std::string &path, std::string name) {
  auto contents = FileContents::map(path, name);
  if (!contents) return std::unexpected(std::move(contents.error()));
  auto image = readElfImage(contents->view(), name);
  if (!image) return std::unexpected(std::move(image.error()));
  auto impl = std::make_unique<Impl>(std::move(name), std::move(*contents), std::move(*image));
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
  if (!segment || impl_->image.debugOnly || size > kLongestRead) return std::nullopt;
  uint64_t offset = address - segment->address;
  if (size > segment->memorySize - offset) return std::nullopt;
  Bytes bytes(size);
  uint64_t inFile = offset < segment->fileSize ? std::min(size, segment->fileSize - offset) : 0;
  BytesView file = impl_->contents.view().subspan(segment->offset.value, segment->fileSize);
  if (inFile > 0) std::ranges::copy(file.subspan(offset, inFile), bytes.begin());
  return bytes;
}

bool ElfFile::isRelocated(LinkAddress address, uint64_t size) const {
  if (!impl_->relocated) impl_->relocated.emplace(impl_->image);
  return impl_->relocated->touch(address.value, size);
}

// --- symbols by address -----------------------------------------------------------------------------------------

const AddressIndex &ElfFile::Impl::index() {
  if (addresses) return *addresses;
  uint64_t lowest = UINT64_MAX, highest = 0;
  for (const Segment &segment : image.segments) {
    lowest = std::min(lowest, segment.address.value);
    highest = std::max(highest, segment.address.value + segment.memorySize);
  }
  std::vector<AddressIndex::Source> sources;
  for (const SymbolLookup::Table &table : lookup().tables())
    sources.push_back({table.table, table.contents});
  return addresses.emplace(std::move(sources), std::min(lowest, highest), highest, image.machine == Machine::AArch64);
}

namespace {

// Which of several symbols is the one to show: what has a type before labels, what others can see before locals.
auto preference(const Symbol &symbol) {
  int binding = symbol.binding == Binding::Global ? 0 : symbol.binding == Binding::Weak ? 1 : 2;
  return std::tuple(symbol.size, symbol.kind == SymbolKind::NoType, binding, symbol.name);
}

} // namespace

std::optional<Symbol> ElfFile::Impl::sizedSymbolAt(uint64_t address) {
  std::vector<SymbolLookup::Table> tables = lookup().tables();
  std::vector<IndexedSymbol> all = index().holding(address);
  if (all.empty()) return std::nullopt;
  // Only the smallest are worth describing.
  uint64_t smallest = std::ranges::min(all, {}, &IndexedSymbol::size).size;
  std::optional<Symbol> best;
  for (const IndexedSymbol &each : all) {
    if (each.size != smallest) continue;
    Symbol symbol = lookup().describe(tables[each.source], each.symbol);
    if (!best || preference(symbol) < preference(*best)) best = std::move(symbol);
  }
  return best;
}

std::optional<Symbol> ElfFile::symbolAt(LinkAddress address) const {
  if (auto sized = impl_->sizedSymbolAt(address.value)) return sized;
  std::vector<SymbolLookup::Table> tables = impl_->lookup().tables();
  std::optional<Symbol> best;
  for (const IndexedSymbol &each : impl_->index().startingBefore(address.value)) {
    if (each.size != 0) return std::nullopt; // the nearest one ends before the address
    Symbol symbol = impl_->lookup().describe(tables[each.source], each.symbol);
    if (!best || preference(symbol) < preference(*best)) best = std::move(symbol);
  }
  if (!best) return std::nullopt;
  LinkAddress end = nextSymbol(best->address);
  if (address >= end) return std::nullopt; // in another section
  best->size = end - best->address;
  return best;
}

LinkAddress ElfFile::nextSymbol(LinkAddress address) const {
  LinkAddress end = address;
  if (const Section *section = sectionAt(address))
    end = section->address + section->size;
  else if (const Segment *segment = segmentAt(address))
    end = segment->address + segment->memorySize;
  auto next = impl_->index().next(address.value);
  return next ? std::min(end, LinkAddress{*next}) : end;
}

// --- symbols by name --------------------------------------------------------------------------------------------

std::vector<std::vector<Symbol>> ElfFile::find(const std::vector<std::string> &names) const {
  return impl_->lookup().find(names);
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
  impl_->addresses.reset();
  return {};
}

} // namespace lpc::target
