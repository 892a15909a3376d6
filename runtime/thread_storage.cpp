// Thread-local storage (Drepper, "ELF Handling for Thread-Local Storage", variant II: blocks lie below the thread
// pointer).
//
// glibc keeps module id and offset in its link map, behind public fields that have grown with every version; so the
// place is not assumed but found: the fields before them repeat the object's PT_TLS (address of the image, its size in
// the file and in memory, alignment, and the address modulo the alignment), five words in a row that are known exactly
// (struct link_map in glibc's include/link.h, the same order since 2.4). Rejected: reading the results of relocations
// against the object's variables, of which there need not be any.
//
// The program's own offset is fixed by the psABI, because its code was linked with it; it serves for static programs,
// which have no link map, and as a test of what was found.
#include "runtime/thread_storage.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/elf_memory.h"
#include "runtime/link_map.h"

namespace lpc::runtime {
namespace {

constexpr uint64_t kWord = 8;
constexpr uint64_t kLinkMapSize = 4096;     // more than any version's; read up to its end as far as memory goes
constexpr uint64_t kMostModules = 1U << 20; // ids
constexpr int64_t kMostStatic = int64_t{1} << 30;

std::optional<Elf64_Phdr> threadSegment(const Process &process, const Module &module) {
  auto header = process.read(module.range.begin, sizeof(Elf64_Ehdr));
  auto table = header ? parseElfHeader(*header, true) : std::nullopt;
  if (!table || table->entrySize != sizeof(Elf64_Phdr)) return std::nullopt;
  auto bytes = process.read(module.range.begin + table->offset, table->count * sizeof(Elf64_Phdr));
  for (uint64_t i = 0; bytes && i < table->count; i++) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes->data() + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_TLS && segment.p_memsz != 0) return segment;
  }
  return std::nullopt;
}

std::optional<RemoteAddress> linkMapOf(const Process &process, const std::vector<Mapping> &maps, const Module &program,
                                       const Module &module) {
  auto elf = ElfMemory::withHeader(process, maps, program.range.begin);
  auto rDebug = elf ? elf->dynamicEntry(DT_DEBUG) : std::nullopt;
  if (!rDebug || *rDebug == 0) return std::nullopt;
  for (const LinkMapEntry &entry : readLinkMap(process, maps, RemoteAddress{*rDebug}))
    if (entry.bias == module.bias && module.range.contains(entry.dynamic)) return entry.at;
  return std::nullopt;
}

std::vector<uint64_t> wordsAt(const Process &process, const std::vector<Mapping> &maps, RemoteAddress at) {
  std::vector<uint64_t> words;
  const Mapping *mapping = mappingAt(maps, at);
  if (mapping == nullptr) return words;
  auto bytes = process.read(at, std::min(kLinkMapSize, (mapping->range.end - at) / kWord * kWord));
  for (uint64_t offset = 0; bytes && offset < bytes->size(); offset += kWord)
    words.push_back(loadLittle(BytesView(*bytes).subspan(offset, kWord)));
  return words;
}

} // namespace

std::optional<ThreadStorage> findThreadStorage(std::span<const uint64_t> linkMap, const ThreadTemplate &tls) {
  const uint64_t first = tls.alignment != 0 ? tls.image & (tls.alignment - 1) : 0;
  const std::array<uint64_t, 5> known{tls.image, tls.fileSize, tls.memorySize, tls.alignment, first};
  auto found = std::ranges::search(linkMap, known);
  if (found.empty() || linkMap.end() - found.end() < 2) return std::nullopt;
  auto offset = static_cast<int64_t>(*found.end()); // 0: none yet; -1: never (FORCED_DYNAMIC_TLS_OFFSET)
  uint64_t module = *(found.end() + 1);
  if (module == 0 || module > kMostModules || offset < -1 || offset > kMostStatic) return std::nullopt;
  ThreadStorage storage{.module = module, .size = tls.memorySize};
  if (offset > 0) storage.fromThread = -offset;
  return storage;
}

std::optional<ThreadStorage> readThreadStorage(const Process &process, const std::vector<Mapping> &maps,
                                               const std::vector<Module> &modules, const Module &module) {
  if (process.machine() != Machine::X86_64) return std::nullopt;
  auto segment = threadSegment(process, module);
  if (!segment) return std::nullopt;
  std::optional<ThreadStorage> found;
  if (auto linkMap = linkMapOf(process, maps, modules[0], module))
    found =
        findThreadStorage(wordsAt(process, maps, *linkMap), {module.bias.of({segment->p_vaddr}).value,
                                                             segment->p_filesz, segment->p_memsz, segment->p_align});
  RemoteAddress image = module.bias.of({segment->p_vaddr});
  if (found) found->image = {image, image + segment->p_filesz};
  if (!module.isProgram) return found;
  uint64_t alignment = std::max<uint64_t>(segment->p_align, 1);
  if (segment->p_memsz > static_cast<uint64_t>(kMostStatic) || alignment > static_cast<uint64_t>(kMostStatic))
    return std::nullopt;
  auto byAbi = -static_cast<int64_t>((segment->p_memsz + alignment - 1) / alignment * alignment);
  if (found) return found->fromThread == byAbi ? found : std::nullopt;
  return ThreadStorage{
      .module = 1, .fromThread = byAbi, .size = segment->p_memsz, .image = {image, image + segment->p_filesz}};
}

} // namespace lpc::runtime
