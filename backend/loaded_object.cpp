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
// What goes with the object, because nobody else needs it, is looked at like the object itself.
#include "backend/loaded_object.h"

#include <elf.h>

#include <algorithm>
#include <utility>

#include "backend/dead_pointers.h"
#include "backend/free_blocks.h"
#include "backend/link_maps.h"
#include "backend/loader_exit.h"
#include "backend/pointers.h"
#include "backend/thread_library.h"
#include "ir/support/cat.h"
#include "runtime/elf_memory.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kWord = 8;
constexpr uint64_t kMostBefore = 3; // words before a handle

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

// The link map where another library allocates, whose blocks are of a form that lpc does not know. Behind it, in one
// block, stand a list of one link map and the object's first name, with its text (_dl_new_object of elf/dl-object.c;
// struct libname_list of include/link.h): both are pointed to from within.
std::optional<RemoteRange> linkMapAt(RemoteAddress at, const runtime::Process &process,
                                     const std::vector<runtime::Mapping> &maps) {
  constexpr uint64_t kLeast = 512, kMost = 4096, kNameSize = 3 * kWord;
  const runtime::Mapping *mapping = runtime::mappingAt(maps, at);
  if (!mapping || at.value % kWord != 0) return std::nullopt;
  std::vector<uint64_t> words(std::min(kMost, mapping->range.end - at) / kWord);
  if (!process.read(at, std::span(reinterpret_cast<uint8_t *>(words.data()), words.size() * kWord)))
    return std::nullopt;
  auto pointsTo = [&](size_t end, uint64_t address) {
    return std::ranges::count(words.begin(), words.begin() + static_cast<ptrdiff_t>(end), address) != 0;
  };
  for (size_t i = kLeast / kWord; i < words.size(); i++) {
    const uint64_t name = at.value + i * kWord;
    if (words[i] == name + kNameSize && pointsTo(i - 1, name) && pointsTo(i - 1, name - kWord))
      return RemoteRange{at, {name}};
  }
  return std::nullopt;
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
    RemoteAddress at = elf.dynamicTable(where);
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
  if (RemoteAddress slots = elf.dynamicTable(DT_PLTGOT); slots.value != 0)
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

// An object that goes: where it is, and the handle that its functions for the end are registered under.
struct Leaving {
  RemoteRange range;
  std::optional<RemoteAddress> endHandle;
};

} // namespace

Result<bool> isUnused(const RecordedOpening &opening, const FoundRecord &found,
                      const std::vector<StackPosition> &stacks, const runtime::Process &process, runtime::Agent &agent,
                      std::string &why) {
  auto snapshot = look(process);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  RemoteAddress handle{opening.handle};
  if (!moduleOf(handle, process, *snapshot)) return why = "its handle leads to no object", false;
  std::vector<RemoteAddress> leaving = LinkMaps(handle, process, *snapshot).goingWith(handle);
  leaving.insert(leaving.begin(), handle);

  SoughtMemory sought{cat("$", opening.name), found.memory, {found.range}};
  std::vector<Leaving> objects;
  const bool otherAllocator = !otherAllocators(*snapshot).empty();
  for (RemoteAddress linkMap : leaving) {
    const runtime::Module *module = moduleOf(linkMap, process, *snapshot);
    auto elf = runtime::ElfMemory::withHeader(process, snapshot->maps, module->range.begin);
    if (!elf) return why = "its headers are damaged", false;
    auto parts = without(elf->range(), linkersParts(*elf, headersSize(module->range.begin, process)));
    if (parts.empty()) return why = "nothing of it is known to be the program's", false;
    sought.ranges.insert(sought.ranges.end(), parts.begin(), parts.end());
    sought.ignored.push_back(module->range);
    auto block =
        otherAllocator ? linkMapAt(linkMap, process, snapshot->maps) : blockAt(linkMap, process, snapshot->maps);
    if (block) sought.ignored.push_back(*block);
    objects.push_back({module->range, endHandle(*elf, process)});
  }
  std::ranges::sort(sought.ranges);

  DeadPointers dead(found.record, process);
  FreeBlocks free(process, snapshot->maps);
  sought.isDead = [&](uint64_t word, RemoteAddress at) {
    if (dead.isDead(word, at) || free.contain(at)) return true;
    auto object = std::ranges::find_if(objects, [&](const Leaving &each) { return each.range.contains({word}); });
    return object != objects.end() &&
           ((object->endHandle && isRegistered(at, *object->endHandle, process)) || isOfFrames(at, process, *snapshot));
  };
  return isPointedAtByNobody(sought, found, stacks, process, *snapshot, agent, why);
}

} // namespace lpc::backend
