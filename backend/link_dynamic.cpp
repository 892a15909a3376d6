// Tags of PT_DYNAMIC. The number of symbols stands nowhere: it follows from the hash table (gABI, DT_HASH; for
// DT_GNU_HASH the end of the last chain).
#include "backend/link_dynamic.h"

#include <algorithm>
#include <unordered_map>

#include "ir/support/address.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

using Tags = std::unordered_map<int64_t, uint64_t>;

std::optional<uint64_t> valueOf(const Tags &tags, int64_t tag) {
  auto found = tags.find(tag);
  return found == tags.end() ? std::nullopt : std::optional(found->second);
}

DynamicTable tableOf(const Tags &tags, int64_t address, int64_t size) {
  return {valueOf(tags, address).value_or(0), valueOf(tags, size).value_or(0)};
}

// The bytes of a table, whose size must be a multiple of its entries'; empty where the tags are not there.
Result<BytesView> contentOf(const PayloadFile &file, const SegmentMap &segments, const DynamicTable &table,
                            uint64_t entrySize, const char *what) {
  if (table.size == 0) return BytesView{};
  if (table.size % entrySize != 0) return file.corrupt(cat("the size of its ", what, " is no multiple of an entry"));
  auto bytes = segments.view(table.address, table.size);
  if (!bytes) return file.corrupt(cat("its ", what, " lie outside of its segments"));
  return *bytes;
}

// Number of symbols from DT_GNU_HASH: header (buckets, first hashed symbol, Bloom words, shift), Bloom filter of 8-byte
// words, buckets, and from there a word for each hashed symbol whose lowest bit ends a chain.
Result<uint64_t> countFromGnuHash(const PayloadFile &file, const SegmentMap &segments, uint64_t address) {
  auto bad = [&] { return file.corrupt("its symbol hash table lies outside of its segments"); };
  BytesView table = segments.viewFrom(address);
  auto buckets = readAt<uint32_t>(table, 0), first = readAt<uint32_t>(table, 4), bloom = readAt<uint32_t>(table, 8);
  if (!buckets || !first || !bloom) return bad();
  uint64_t bucketsAt = 16 + uint64_t{*bloom} * 8;
  uint64_t chainsAt = bucketsAt + uint64_t{*buckets} * 4;
  if (chainsAt > table.size()) return bad();
  uint32_t last = 0;
  for (uint64_t i = 0; i < *buckets; i++)
    last = std::max(last, *readAt<uint32_t>(table, bucketsAt + i * 4));
  if (last < *first) return uint64_t{*first}; // nothing is hashed
  for (uint64_t symbol = last;; symbol++) {
    auto word = readAt<uint32_t>(table, chainsAt + (symbol - *first) * 4);
    if (!word) return bad();
    if ((*word & 1) != 0) return symbol + 1;
  }
}

Result<uint64_t> countSymbols(const PayloadFile &file, const SegmentMap &segments, const Tags &tags) {
  if (auto address = valueOf(tags, DT_HASH)) {
    auto chains = readAt<uint32_t>(segments.viewFrom(*address), 4);
    if (!chains) return file.corrupt("its symbol hash table lies outside of its segments");
    return uint64_t{*chains};
  }
  if (auto address = valueOf(tags, DT_GNU_HASH)) return countFromGnuHash(file, segments, *address);
  return file.corrupt("it has no symbol hash table");
}

Result<BytesView> dynamicBytes(const PayloadFile &file, const SegmentMap &segments) {
  for (const Elf64_Phdr &header : file.programHeaders()) {
    if (header.p_type != PT_DYNAMIC) continue;
    auto bytes = segments.view(header.p_vaddr, std::min(header.p_filesz, header.p_memsz));
    if (!bytes) return file.corrupt("its dynamic section lies outside of its segments");
    return *bytes;
  }
  return file.corrupt("it has no dynamic section");
}

Result<void> refuse(const PayloadFile &file, const Tags &tags) {
  if ((valueOf(tags, DT_FLAGS_1).value_or(0) & DF_1_PIE) != 0)
    return file.unsupported("is a program, and `dl` links shared and relocatable objects",
                            "link it with -shared instead of -pie");
  if (valueOf(tags, DT_RELSZ).value_or(0) != 0 || valueOf(tags, DT_PLTREL).value_or(DT_RELA) != DT_RELA)
    return file.unsupported("has relocations without addends, which its machine does not use");
  auto sizeIs = [&](int64_t tag, uint64_t size) { return valueOf(tags, tag).value_or(size) == size; };
  if (!sizeIs(DT_RELAENT, sizeof(Elf64_Rela)) || !sizeIs(DT_SYMENT, sizeof(Elf64_Sym)) ||
      !sizeIs(DT_RELRENT, sizeof(Elf64_Relr)))
    return file.corrupt("its dynamic tables have entries of an unknown size");
  return {};
}

} // namespace

Result<DynamicSection> DynamicSection::read(PayloadFile &file, const SegmentMap &segments) {
  auto bytes = dynamicBytes(file, segments);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  Tags tags;
  std::vector<uint64_t> neededNames;
  for (uint64_t at = 0; auto entry = readAt<Elf64_Dyn>(*bytes, at); at += sizeof(Elf64_Dyn)) {
    if (entry->d_tag == DT_NULL) break;
    if (entry->d_tag == DT_NEEDED) neededNames.push_back(entry->d_un.d_val);
    tags[entry->d_tag] = entry->d_un.d_val;
  }
  if (auto good = refuse(file, tags); !good) return std::unexpected(std::move(good.error()));

  DynamicSection dynamic;
  auto take = [&](BytesView &into, const DynamicTable &table, uint64_t entrySize, const char *what) -> Result<void> {
    auto content = contentOf(file, segments, table, entrySize, what);
    if (!content) return std::unexpected(std::move(content.error()));
    into = *content;
    return {};
  };
  auto taken = inOrder(
      [&] { return take(dynamic.strings, tableOf(tags, DT_STRTAB, DT_STRSZ), 1, "dynamic strings"); },
      [&] { return take(dynamic.relocations, tableOf(tags, DT_RELA, DT_RELASZ), sizeof(Elf64_Rela), "relocations"); },
      [&] {
        return take(dynamic.pltRelocations, tableOf(tags, DT_JMPREL, DT_PLTRELSZ), sizeof(Elf64_Rela),
                    "relocations of the PLT");
      },
      [&] {
        return take(dynamic.relativeRelocations, tableOf(tags, DT_RELR, DT_RELRSZ), sizeof(Elf64_Relr),
                    "relative relocations");
      });
  if (!taken) return std::unexpected(std::move(taken.error()));
  auto symbols = valueOf(tags, DT_SYMTAB);
  if (!symbols) return file.corrupt("it has no dynamic symbols");
  auto count = countSymbols(file, segments, tags);
  if (!count) return std::unexpected(std::move(count.error()));
  dynamic.symbols = *symbols;
  dynamic.symbolCount = *count;
  if (dynamic.symbolCount > segments.viewFrom(dynamic.symbols).size() / sizeof(Elf64_Sym))
    return file.corrupt("its dynamic symbols lie outside of its segments");
  dynamic.versionIndexes = valueOf(tags, DT_VERSYM);
  dynamic.versionNeeds = valueOf(tags, DT_VERNEED);
  dynamic.versionNeedCount = valueOf(tags, DT_VERNEEDNUM).value_or(0);
  dynamic.init = valueOf(tags, DT_INIT);
  dynamic.fini = valueOf(tags, DT_FINI);
  dynamic.initArray = tableOf(tags, DT_INIT_ARRAY, DT_INIT_ARRAYSZ);
  dynamic.finiArray = tableOf(tags, DT_FINI_ARRAY, DT_FINI_ARRAYSZ);
  dynamic.preinitArray = tableOf(tags, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ);
  for (uint64_t offset : neededNames) {
    auto library = stringAt(dynamic.strings, offset);
    if (!library) return file.corrupt("the name of a library that it needs lies outside of its strings");
    if (auto good = file.account(*library); !good) return std::unexpected(std::move(good.error()));
    dynamic.needed.emplace_back(*library);
  }
  return dynamic;
}

} // namespace lpc::backend
