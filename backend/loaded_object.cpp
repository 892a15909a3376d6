// The dynamic linker of glibc points into an object from its struct link_map, which is what the handle points to
// (memory of the allocator, whose blocks have their size in front: malloc_chunk of malloc/malloc.c), from tables of
// names and frames, and from what calls of it have left on stacks. All but the link map points to parts of the object
// that are the dynamic linker's own, and these are not searched for. Rejected: to know those tables, which change with
// versions, and of which freed copies lie about.
//
// These are the parts of the object as it is loaded now. One that was loaded before, and stood elsewhere, has left
// pointers to all its parts in blocks that are free, and in the older copy of the table of frames (dl_find_object), of
// which there always are two: start, end, link map and frames of an object, side by side (the end is the start and the
// link map null once it is closed).
//
// What is registered under the object's handle, a word that holds its own address (__dso_handle), is no reason to keep
// it: functions for the end and for fork stand there with that handle at most three words behind them (struct
// exit_function, fork_handler), and dlclose takes them away. Which word it is, is taken from the code that ends them,
// for the head of an empty list holds its own address, too.
//
// Whether an object came with the program, glibc keeps in its link map (l_type) behind public fields that have grown
// with every version. So the place is found by what stands before it: what glibc has read of DT_GNU_HASH, four words
// that are known exactly (setup_hash of elf/dl-setup_hash.c; the order of include/link.h since 2.5). Rejected: to
// follow DT_NEEDED from the program on, by names that several objects may have, and without LD_PRELOAD.
//
// Libraries that came with the object are not searched for: which of them dlclose takes away is not known.
#include "backend/loaded_object.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <utility>

#include "backend/dead_pointers.h"
#include "backend/free_blocks.h"
#include "backend/loader_exit.h"
#include "backend/pointers.h"
#include "ir/support/cat.h"
#include "runtime/elf_memory.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kWord = 8;
constexpr uint64_t kDynamic = 2 * kWord; // l_ld, behind l_addr and l_name (<link.h>)
constexpr uint64_t kMostBefore = 3;      // words before a handle

// The block of the allocator that begins there.
std::optional<RemoteRange> blockAt(RemoteAddress at, const runtime::Process &process,
                                   const std::vector<runtime::Mapping> &maps) {
  constexpr uint64_t kLeast = 32, kMost = 1 << 20, kFlags = 7;
  const runtime::Mapping *mapping = runtime::mappingAt(maps, at);
  if (at.value % 16 != 0 || !mapping || !mapping->writable || mapping->inode != 0 || at - mapping->range.begin < 16)
    return std::nullopt;
  uint64_t size = process.readWord({at.value - kWord}).value_or(0) & ~kFlags;
  if (size < kLeast || size > kMost || size % 16 != 0 || size - 16 > mapping->range.end - at) return std::nullopt;
  return RemoteRange{at, at + size - kWord};
}

// A table that the dynamic section tells of; glibc turns most of these addresses into real ones.
RemoteAddress tableAt(const runtime::ElfMemory &elf, int64_t tag) {
  uint64_t value = elf.dynamicEntry(tag).value_or(0);
  if (value == 0) return {};
  return elf.range().contains({value}) ? RemoteAddress{value} : elf.bias().of({value});
}

// What the dynamic linker and unwinders read of an object, and no program points to: its headers, names and
// relocations, the header of its frames, and from the dynamic section to the end of what becomes read-only, with the
// slots that it reaches others through; and nothing of it is between two segments, though it has their pages. Tables
// stand anywhere: tools that change objects put grown ones behind all (patchelf), so that what lies between two of them
// may be the program's.
std::vector<RemoteRange> linkersParts(const runtime::ElfMemory &elf, uint64_t headers) {
  constexpr uint64_t kReserved = 3 * kWord, kRelocation = 24; // psABI: entries before those of DT_JMPREL; Elf64_Rela
  const RemoteRange whole = elf.range();
  std::vector<RemoteRange> parts{{whole.begin, whole.begin + std::min(headers, whole.size())}};
  const std::pair<int64_t, int64_t> tables[] = {
      {DT_STRTAB, DT_STRSZ}, {DT_RELA, DT_RELASZ}, {DT_JMPREL, DT_PLTRELSZ}, {DT_RELR, DT_RELRSZ}};
  for (const auto &[where, bytes] : tables) {
    RemoteAddress at = tableAt(elf, where);
    uint64_t size = elf.dynamicEntry(bytes).value_or(0);
    if (whole.contains(at) && size <= whole.end - at) parts.push_back({at, at + size});
  }
  RemoteAddress end = whole.begin;
  for (const RemoteRange &load : elf.loaded()) {
    if (load.begin > end) parts.push_back({end, load.begin});
    end = std::max(end, load.end);
  }
  if (end > whole.begin && end < whole.end) parts.push_back({end, whole.end});
  if (auto frames = elf.segment(PT_GNU_EH_FRAME)) parts.push_back(*frames);
  auto dynamic = elf.dynamic(), constant = elf.segment(PT_GNU_RELRO);
  if (dynamic && constant && constant->contains(dynamic->begin)) parts.push_back({dynamic->begin, constant->end});
  if (RemoteAddress slots = tableAt(elf, DT_PLTGOT); slots.value != 0)
    parts.push_back({slots, slots + (kReserved + elf.dynamicEntry(DT_PLTRELSZ).value_or(0) / kRelocation * kWord)});
  return parts;
}

// The ELF header and what is behind it: the program headers. 0: it makes no sense.
uint64_t headersSize(RemoteAddress header, const runtime::Process &process) {
  auto bytes = process.read(header, sizeof(Elf64_Ehdr));
  auto table = bytes ? runtime::parseElfHeader(*bytes, true) : std::nullopt;
  if (!table || table->offset != sizeof(Elf64_Ehdr)) return 0;
  return table->offset + table->count * table->entrySize;
}

std::vector<RemoteRange> without(RemoteRange whole, std::vector<RemoteRange> parts) {
  std::vector<RemoteRange> rest;
  std::ranges::sort(parts);
  for (const RemoteRange &part : parts) {
    if (part.begin >= whole.end || part.end <= whole.begin) continue;
    if (part.begin > whole.begin) rest.push_back({whole.begin, part.begin});
    whole.begin = std::min(part.end, whole.end);
  }
  if (whole.size() != 0) rest.push_back(whole);
  return rest;
}

// The object with that link map.
const runtime::Module *moduleOf(RemoteAddress linkMap, const runtime::Process &process, const Snapshot &snapshot) {
  auto bias = process.readWord(linkMap), dynamic = process.readWord(linkMap + kDynamic);
  const runtime::Module *module = bias && dynamic ? runtime::moduleAt(snapshot.modules, {*dynamic}) : nullptr;
  return module && module->bias == LoadBias{*bias} ? module : nullptr;
}

// A row of the table of frames. Nothing is taken for one that a structure of the program could be, so that a row of an
// object that is gone counts only where it was closed in it.
bool isOfFrames(RemoteAddress at, const runtime::Process &process, const Snapshot &snapshot) {
  constexpr uint64_t kPage = 4096, kLargest = 1 << 30;
  constexpr int64_t kPlaces[] = {0, 1, 3}; // of a pointer to the object in the row
  return std::ranges::any_of(kPlaces, [&](int64_t place) {
    auto row = process.read({at.value - static_cast<uint64_t>(place) * kWord}, 4 * kWord);
    if (!row) return false;
    auto word = [&](size_t i) { return loadLittle(BytesView(*row).subspan(i * kWord, kWord)); };
    const uint64_t begin = word(0);
    if (begin % kPage != 0 || begin < snapshot.maps.front().range.begin.value) return false;
    const bool framed = begin < word(3) && word(3) - begin < kLargest;
    if (word(1) == begin) return framed && word(2) == 0;
    if (word(1) < begin || (word(3) != 0 && !framed) || word(2) % kWord != 0) return false;
    const runtime::Module *module = moduleOf({word(2)}, process, snapshot);
    return module && module->range.begin.value == begin;
  });
}

// With that handle behind it.
bool isRegistered(RemoteAddress at, RemoteAddress handle, const runtime::Process &process) {
  for (uint64_t i = 0; i <= kMostBefore; i++)
    if (process.readWord(at + i * kWord).value_or(0) == handle.value) return true;
  return false;
}

// The words of a link map in front of its number of users and its type, without the first half of the first.
std::optional<std::array<uint64_t, 4>> hashWords(RemoteAddress table, const runtime::Process &process) {
  auto head = process.read(table, 16); // number of buckets, first symbol, words of the filter, shift
  if (!head) return std::nullopt;
  auto field = [&](size_t i) { return loadLittle(BytesView(*head).subspan(i * 4, 4)); };
  const uint64_t filter = table.value + 16, buckets = filter + field(2) * kWord;
  return std::array{(field(2) - 1) | field(3) << 32, filter, buckets, buckets + field(0) * 4 - field(1) * 4};
}

} // namespace

bool cameWithProgram(RemoteAddress handle, const runtime::Process &process, const Snapshot &snapshot) {
  constexpr uint64_t kMostSize = 4096, kMostUsers = 1 << 20, kTypeMask = 3, kLibrary = 1; // lt_library
  const runtime::Module *module = moduleOf(handle, process, snapshot);
  const runtime::Mapping *mapping = runtime::mappingAt(snapshot.maps, handle);
  if (!module || !mapping) return false;
  auto elf = runtime::ElfMemory::withHeader(process, snapshot.maps, module->range.begin);
  RemoteAddress table = elf ? tableAt(*elf, DT_GNU_HASH) : RemoteAddress{};
  auto known = table.value != 0 ? hashWords(table, process) : std::nullopt;
  if (!known) return false;
  std::vector<uint64_t> words(std::min(kMostSize, mapping->range.end - handle) / kWord);
  if (!process.read(handle, std::span(reinterpret_cast<uint8_t *>(words.data()), words.size() * kWord))) return false;
  auto found = std::ranges::search(words, *known);
  if (found.empty() || found.end() == words.end()) return false;
  const uint64_t users = *found.end() & 0xffffffff;
  return users != 0 && users <= kMostUsers && (*found.end() >> 32 & kTypeMask) == kLibrary;
}

Result<bool> isUnused(const RecordedOpening &opening, const FoundRecord &found,
                      const std::vector<StackPosition> &stacks, const runtime::Process &process, runtime::Agent &agent,
                      std::string &why) {
  auto snapshot = look(process);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  RemoteAddress linkMap{opening.handle};
  const runtime::Module *module = moduleOf(linkMap, process, *snapshot);
  if (!module) return why = "its handle leads to no object", false;

  auto elf = runtime::ElfMemory::withHeader(process, snapshot->maps, module->range.begin);
  if (!elf) return why = "its headers are damaged", false;

  DeadPointers dead(found.record, process);
  const auto handle = endHandle(*elf, process);
  FreeBlocks free(process, snapshot->maps);
  auto isDead = [&](uint64_t word, RemoteAddress at) {
    return dead.isDead(word, at) || free.contain(at) ||
           (module->range.contains({word}) &&
            ((handle && isRegistered(at, *handle, process)) || isOfFrames(at, process, *snapshot)));
  };
  std::vector<RemoteRange> parts = without(elf->range(), linkersParts(*elf, headersSize(module->range.begin, process)));
  if (parts.empty()) return why = "nothing of it is known to be the program's", false;
  SoughtMemory sought{cat("$", opening.name), found.memory, {found.range}, isDead};
  sought.ranges.insert(sought.ranges.end(), parts.begin(), parts.end());
  sought.ignored.push_back(module->range);
  if (auto block = blockAt(linkMap, process, snapshot->maps)) sought.ignored.push_back(*block);
  std::ranges::sort(sought.ranges);
  return isPointedAtByNobody(sought, found, stacks, process, *snapshot, agent, why);
}

} // namespace lpc::backend
