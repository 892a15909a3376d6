// ELF objects in the memory of a process (gABI chapters 4 and 5; LLVM's headers are kept out of this layer, <elf.h>
// serves).
#include "runtime/elf_memory.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace lpc::runtime {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMostSegments = 512, kMostDynamic = 64 * 1024, kMostNotes = 64 * 1024;
constexpr size_t kMostName = 4096;

template <class Raw> std::optional<Raw> rawAt(BytesView bytes, uint64_t offset) {
  Raw raw{};
  if (offset > bytes.size() || bytes.size() - offset < sizeof raw) return std::nullopt;
  memcpy(&raw, bytes.data() + offset, sizeof raw);
  return raw;
}

template <class Raw> std::vector<Segment> segmentsOf(BytesView table, uint64_t entrySize) {
  std::vector<Segment> segments;
  for (uint64_t at = 0; at < table.size(); at += entrySize) {
    auto raw = rawAt<Raw>(table, at);
    if (!raw) return {};
    segments.push_back({raw->p_type, raw->p_offset, raw->p_vaddr, raw->p_filesz, raw->p_memsz});
  }
  return segments;
}

template <class Raw> std::optional<SegmentTable> tableOf(BytesView header) {
  auto raw = rawAt<Raw>(header, 0);
  if (!raw || raw->e_phnum == 0 || raw->e_phnum > kMostSegments) return std::nullopt;
  return SegmentTable{raw->e_phoff, raw->e_phnum, raw->e_phentsize};
}

const Segment *firstOf(const std::vector<Segment> &segments, uint32_t type) {
  auto found = std::ranges::find(segments, type, &Segment::type);
  return found == segments.end() ? nullptr : &*found;
}

} // namespace

std::vector<Segment> parseSegments(BytesView table, uint64_t entrySize, bool is64) {
  uint64_t least = is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  if (entrySize < least || table.size() % entrySize != 0 || table.size() / entrySize > kMostSegments) return {};
  return is64 ? segmentsOf<Elf64_Phdr>(table, entrySize) : segmentsOf<Elf32_Phdr>(table, entrySize);
}

std::optional<SegmentTable> parseElfHeader(BytesView header, bool is64) {
  if (header.size() < EI_NIDENT || memcmp(header.data(), ELFMAG, SELFMAG) != 0) return std::nullopt;
  if (header[EI_CLASS] != (is64 ? ELFCLASS64 : ELFCLASS32) || header[EI_DATA] != ELFDATA2LSB) return std::nullopt;
  return is64 ? tableOf<Elf64_Ehdr>(header) : tableOf<Elf32_Ehdr>(header);
}

Bytes buildIdOf(BytesView notes) {
  auto padded = [](uint64_t size) { return (size + 3) & ~uint64_t{3}; };
  for (uint64_t at = 0;;) {
    auto note = rawAt<Elf64_Nhdr>(notes, at); // the same in both classes
    if (!note) return {};
    uint64_t name = at + sizeof *note, content = name + padded(note->n_namesz);
    if (content > notes.size() || note->n_descsz > notes.size() - content) return {};
    bool gnu =
        note->n_namesz == sizeof ELF_NOTE_GNU && memcmp(notes.data() + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0;
    if (gnu && note->n_type == NT_GNU_BUILD_ID) {
      BytesView id = notes.subspan(content, note->n_descsz);
      return {id.begin(), id.end()};
    }
    at = content + padded(note->n_descsz);
  }
}

std::optional<std::string> readText(const Process &process, RemoteAddress at, size_t most) {
  std::string text;
  while (text.size() < most) {
    // Up to the end of the page: the next one may not be there.
    size_t count = std::min<size_t>(kPage - (at.value & (kPage - 1)), most - text.size());
    auto chunk = process.read(at, count);
    if (!chunk) return std::nullopt;
    auto end = std::ranges::find(*chunk, 0);
    text.append(chunk->begin(), end);
    if (end != chunk->end()) return text;
    at = at + count;
  }
  return std::nullopt;
}

Bytes ElfMemory::bytes(RemoteAddress at, uint64_t size) const {
  // Not by way of the process alone: what is no ordinary mapping (devices) is not read.
  const Mapping *mapping = mappingAt(*maps_, at);
  if (!mapping || !mapping->readable) return {};
  return process_->read(at, size).value_or(Bytes());
}

bool ElfMemory::place(LoadBias bias) {
  bias_ = bias;
  uint64_t first = UINT64_MAX, last = 0;
  for (const Segment &segment : segments_) {
    if (segment.type != PT_LOAD || segment.memorySize == 0) continue;
    if (segment.address > UINT64_MAX - segment.memorySize) return false;
    first = std::min(first, segment.address);
    last = std::max(last, segment.address + segment.memorySize);
  }
  if (first >= last || last > UINT64_MAX - kPage) return false;
  range_.begin = {bias.of({first}).value & ~(kPage - 1)};
  range_.end = {(bias.of({last}).value + kPage - 1) & ~(kPage - 1)};
  return range_.begin < range_.end && mappingAt(*maps_, range_.begin) != nullptr;
}

// The bias follows from the table's own place: PT_PHDR says where the linker put it; without that (static programs) the
// mapping says which part of the file the table is, and a PT_LOAD which link address that part has.
std::optional<ElfMemory> ElfMemory::withSegments(const Process &process, const std::vector<Mapping> &maps,
                                                 RemoteAddress table, uint64_t count, uint64_t entrySize) {
  const Mapping *mapping = mappingAt(maps, table);
  if (!mapping || count > kMostSegments || entrySize > kPage) return std::nullopt;
  ElfMemory elf(process, maps);
  elf.segments_ = parseSegments(elf.bytes(table, count * entrySize), entrySize, pointerSize(process.machine()) == 8);
  if (const Segment *own = firstOf(elf.segments_, PT_PHDR))
    return elf.place({table.value - own->address}) ? std::optional(elf) : std::nullopt;
  uint64_t offset = table - mapping->range.begin + mapping->offset;
  for (const Segment &load : elf.segments_)
    if (load.type == PT_LOAD && load.offset <= offset && offset - load.offset < load.fileSize)
      return elf.place({table.value - (load.address + (offset - load.offset))}) ? std::optional(elf) : std::nullopt;
  return std::nullopt;
}

std::optional<ElfMemory> ElfMemory::withHeader(const Process &process, const std::vector<Mapping> &maps,
                                               RemoteAddress header) {
  bool is64 = pointerSize(process.machine()) == 8;
  ElfMemory elf(process, maps);
  auto table = parseElfHeader(elf.bytes(header, is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)), is64);
  if (!table || table->offset > kMostDynamic || table->entrySize > kPage) return std::nullopt;
  elf.segments_ =
      parseSegments(elf.bytes(header + table->offset, table->count * table->entrySize), table->entrySize, is64);
  // The header is the beginning of the file, which some PT_LOAD maps.
  for (const Segment &load : elf.segments_)
    if (load.type == PT_LOAD && load.offset < kPage)
      return elf.place({header.value - (load.address - load.offset)}) ? std::optional(elf) : std::nullopt;
  return std::nullopt;
}

std::optional<RemoteRange> ElfMemory::dynamic() const { return segment(PT_DYNAMIC); }

std::optional<RemoteRange> ElfMemory::placed(const Segment &segment) const {
  RemoteAddress begin = bias_.of({segment.address});
  if (!range_.contains(begin) || segment.memorySize > range_.end - begin) return std::nullopt;
  return RemoteRange{begin, begin + segment.memorySize};
}

std::optional<RemoteRange> ElfMemory::segment(uint32_t type) const {
  const Segment *segment = firstOf(segments_, type);
  return segment ? placed(*segment) : std::nullopt;
}

std::vector<RemoteRange> ElfMemory::loaded() const {
  std::vector<RemoteRange> loads;
  for (const Segment &segment : segments_)
    if (auto load = segment.type == PT_LOAD ? placed(segment) : std::nullopt) loads.push_back(*load);
  std::ranges::sort(loads);
  return loads;
}

std::vector<uint64_t> ElfMemory::dynamicEntries(int64_t tag) const {
  auto where = dynamic();
  if (!where) return {};
  std::vector<uint64_t> entries;
  unsigned word = pointerSize(process_->machine());
  Bytes table = bytes(where->begin, std::min(where->size(), kMostDynamic));
  for (uint64_t at = 0; at + 2 * word <= table.size(); at += 2 * word) {
    uint64_t each = loadLittle(BytesView(table).subspan(at, word));
    if (each == DT_NULL) break;
    if (each == static_cast<uint64_t>(tag)) entries.push_back(loadLittle(BytesView(table).subspan(at + word, word)));
  }
  return entries;
}

std::optional<uint64_t> ElfMemory::dynamicEntry(int64_t tag) const {
  auto entries = dynamicEntries(tag);
  return entries.empty() ? std::nullopt : std::optional(entries.front());
}

// glibc puts the address in the process into the table of most machines, musl and the vdso leave the link address.
RemoteAddress ElfMemory::dynamicTable(int64_t tag) const {
  RemoteAddress at{dynamicEntry(tag).value_or(0)};
  if (at.value == 0 || range_.contains(at)) return at;
  at = bias_.of({at.value});
  return range_.contains(at) ? at : RemoteAddress{};
}

std::vector<std::string> ElfMemory::dynamicTexts(int64_t tag) const {
  std::vector<std::string> texts;
  RemoteAddress strings = dynamicTable(DT_STRTAB);
  if (strings.value == 0) return {};
  for (uint64_t offset : dynamicEntries(tag)) {
    auto at = strings.plus(static_cast<int64_t>(offset));
    auto text = at && range_.contains(*at) ? readText(*process_, *at, kMostName) : std::nullopt;
    if (text) texts.push_back(std::move(*text));
  }
  return texts;
}

std::string ElfMemory::soname() const {
  auto names = dynamicTexts(DT_SONAME);
  return names.empty() ? std::string() : std::move(names.front());
}

std::vector<std::string> ElfMemory::needed() const { return dynamicTexts(DT_NEEDED); }

Bytes ElfMemory::buildId() const {
  for (const Segment &segment : segments_) {
    if (segment.type != PT_NOTE || segment.fileSize > kMostNotes) continue;
    RemoteAddress begin = bias_.of({segment.address});
    if (!range_.contains(begin)) continue;
    if (Bytes id = buildIdOf(bytes(begin, segment.fileSize)); !id.empty()) return id;
  }
  return {};
}

} // namespace lpc::runtime
