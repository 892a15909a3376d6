// Reading symbol tables. .symtab is found through the section headers: it is in no segment, and only there are the
// names of a payload's static functions and variables.
#include "backend/link_symbols.h"

#include <algorithm>

#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

constexpr uint16_t kHidden = 0x8000; // of a version index
using Versions = std::unordered_map<uint16_t, SymbolVersion>;

Result<std::vector<ElfSymbol>> symbolsOf(const PayloadFile &file, BytesView table, BytesView strings) {
  std::vector<ElfSymbol> symbols;
  symbols.reserve(table.size() / sizeof(Elf64_Sym));
  for (uint64_t at = 0; auto raw = readAt<Elf64_Sym>(table, at); at += sizeof(Elf64_Sym)) {
    auto name = stringAt(strings, raw->st_name);
    if (!name && raw->st_name != 0)
      return file.corrupt(cat("the name of symbol ", symbols.size(), " lies outside of its strings"));
    symbols.push_back({*raw, name.value_or("")});
  }
  return symbols;
}

// DT_VERNEED: a chain of libraries, each with a chain of versions (Linux Standard Base, "Symbol Versioning").
// Links lead forward only, but chains may share their ends: the steps are counted.
Result<Versions> neededVersions(const PayloadFile &file, const SegmentMap &segments, const DynamicSection &dynamic) {
  Versions versions;
  if (!dynamic.versionNeeds) return versions;
  auto bad = [&] { return file.corrupt("its table of needed versions lies outside of its segments"); };
  BytesView bytes = segments.viewFrom(*dynamic.versionNeeds);
  uint64_t at = 0, steps = 0;
  for (uint64_t i = 0; i < dynamic.versionNeedCount; i++) {
    auto need = readAt<Elf64_Verneed>(bytes, at);
    auto library = need ? stringAt(dynamic.strings, need->vn_file) : std::nullopt;
    if (!library) return bad();
    uint64_t auxiliaryAt = at + need->vn_aux;
    for (uint64_t j = 0; j < need->vn_cnt; j++) {
      auto auxiliary = readAt<Elf64_Vernaux>(bytes, auxiliaryAt);
      auto name = auxiliary ? stringAt(dynamic.strings, auxiliary->vna_name) : std::nullopt;
      if (!name || ++steps > bytes.size() / sizeof(Elf64_Vernaux)) return bad();
      versions[auxiliary->vna_other] = {*name, *library};
      if (auxiliary->vna_next == 0) break;
      auxiliaryAt += auxiliary->vna_next;
    }
    if (need->vn_next == 0) break;
    at += need->vn_next;
  }
  return versions;
}

} // namespace

Result<std::vector<ElfSymbol>> dynamicSymbols(const PayloadFile &file, const SegmentMap &segments,
                                              const DynamicSection &dynamic, uint64_t atLeast) {
  uint64_t count = std::max(dynamic.symbolCount, atLeast);
  auto table = count <= file.size() ? segments.view(dynamic.symbols, count * sizeof(Elf64_Sym)) : std::nullopt;
  if (!table) return file.corrupt("a relocation refers to a symbol outside of its table");
  auto symbols = symbolsOf(file, *table, dynamic.strings);
  if (!symbols || !dynamic.versionIndexes) return symbols;
  auto versions = neededVersions(file, segments, dynamic);
  if (!versions) return std::unexpected(std::move(versions.error()));
  auto indexes = segments.view(*dynamic.versionIndexes, count * sizeof(uint16_t));
  if (!indexes) return file.corrupt("its table of symbol versions lies outside of its segments");
  for (uint64_t i = 0; i < count; i++) {
    uint16_t index = *readAt<uint16_t>(*indexes, i * sizeof(uint16_t));
    ElfSymbol &symbol = (*symbols)[i];
    symbol.hiddenVersion = symbol.isDefined() && (index & kHidden) != 0;
    auto version = versions->find(index & static_cast<uint16_t>(~kHidden));
    if (!symbol.isDefined() && version != versions->end()) symbol.version = version->second;
  }
  return symbols;
}

Result<std::vector<ElfSymbol>> sectionSymbols(const PayloadFile &file) {
  auto headers = file.sectionHeaders();
  if (!headers) return std::unexpected(std::move(headers.error()));
  auto table = std::ranges::find(*headers, uint32_t{SHT_SYMTAB}, &Elf64_Shdr::sh_type);
  if (table == headers->end()) return std::vector<ElfSymbol>{};
  if (table->sh_entsize != sizeof(Elf64_Sym) || table->sh_link >= headers->size())
    return file.corrupt("its table of local symbols has an unknown form");
  const Elf64_Shdr &strings = (*headers)[table->sh_link];
  auto tableBytes = file.range(table->sh_offset, table->sh_size);
  auto stringBytes = file.range(strings.sh_offset, strings.sh_size);
  if (!tableBytes || !stringBytes) return file.corrupt("its table of local symbols lies outside of the file");
  return symbolsOf(file, *tableBytes, *stringBytes);
}

} // namespace lpc::backend
