// The rules by which entries of up to three tables become the symbols that a name means:
//   - an entry of .symtab and one of .dynsym with the same name and address (and version, where both have one) are one
//   symbol. .dynsym
//     knows whether others can bind to it and which version is the default one; .symtab knows the source file;
//   - a name without version means the default version, `name@VERSION` exactly that one;
//   - a global definition hides weak ones of the same name;
//   - only a name that no table has is compared with demangled names.
#include "frontend/target/symbol_lookup.h"

#include <elf.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <unordered_map>

#include "frontend/target/cxx_scan.h"

namespace lpc::target {
namespace {

constexpr size_t kMostSeen = 4096; // names of one call

SymbolKind kindOf(const SymbolEntry &entry) {
  switch (entry.type()) {
  case STT_FUNC: return SymbolKind::Function;
  case STT_OBJECT:
  case STT_COMMON: return SymbolKind::Object;
  case STT_TLS: return SymbolKind::ThreadLocal;
  case STT_GNU_IFUNC: return SymbolKind::Ifunc;
  default: return SymbolKind::NoType;
  }
}

Binding bindingOf(const SymbolEntry &entry) {
  if (entry.binding() == STB_LOCAL) return Binding::Local;
  return entry.binding() == STB_WEAK ? Binding::Weak : Binding::Global; // STB_GNU_UNIQUE is a kind of global
}

void setVersion(Symbol &symbol, const ElfImage &image, size_t index) {
  const SymbolVersion version = versionAt(image, index);
  symbol.exported = symbol.binding != Binding::Local && !version.isLocal;
  symbol.version = version.name;
  symbol.defaultVersion = version.isDefault;
}

bool isSame(const Symbol &a, const Symbol &b) {
  return a.name == b.name && a.address == b.address && a.absolute == b.absolute &&
         (a.version.empty() || b.version.empty() || a.version == b.version);
}

// What of `symbols`, which all have the base name, a wanted name means.
std::vector<Symbol> select(const std::vector<Symbol> &symbols, const VersionedName &wanted) {
  std::vector<Symbol> result;
  std::ranges::copy_if(symbols, std::back_inserter(result), [&](const Symbol &symbol) {
    return wanted.version.empty() ? symbol.defaultVersion : symbol.version == wanted.version;
  });
  if (std::ranges::find(result, Binding::Global, &Symbol::binding) != result.end())
    std::erase_if(result, [](const Symbol &symbol) { return symbol.binding == Binding::Weak; });
  std::ranges::stable_sort(result, {}, [](const Symbol &symbol) {
    return std::tuple(symbol.binding == Binding::Local, symbol.address.value, symbol.name);
  });
  return result;
}

} // namespace

std::vector<SymbolLookup::Table> SymbolLookup::tables() const {
  std::vector<Table> result;
  if (file_.image->symtab) result.push_back({&*file_.image->symtab, file_.contents, false});
  if (debug_.image && debug_.image->symtab) result.push_back({&*debug_.image->symtab, debug_.contents, false});
  if (file_.image->dynsym) result.push_back({&*file_.image->dynsym, file_.contents, true});
  return result;
}

Symbol SymbolLookup::symbolOf(const Table &table, size_t index) const {
  SymbolEntry entry = entryAt(*table.table, index);
  std::string_view name = nameOf(*table.table, entry);
  Symbol symbol;
  symbol.address.value = entry.section == SHN_COMMON ? 0 : entry.value; // there st_value is an alignment
  symbol.size = entry.size;
  symbol.kind = kindOf(entry);
  symbol.binding = bindingOf(entry);
  symbol.absolute = entry.section == SHN_ABS;
  table.contents->touched();
  if (table.dynamic) {
    symbol.name = name;
    setVersion(symbol, *file_.image, index);
    return symbol;
  }
  VersionedName versioned = splitVersion(name);
  symbol.name = versioned.base;
  symbol.version = versioned.version.substr(0, kLongestName);
  symbol.defaultVersion = versioned.isDefault;
  symbol.sourceFile = sourceFileOf(*table.table, index);
  return symbol;
}

std::vector<NameHit> SymbolLookup::dynamicHits(std::span<const std::string_view> names) const {
  if (!file_.image->dynsym) return {};
  if (file_.image->gnuHash || file_.image->sysvHash) return lookUpHashed(*file_.image, names);
  return scanForNames(*file_.image->dynsym, names, *file_.contents).names;
}

// Joins what .dynsym has with what the other tables have; all have the same name.
void SymbolLookup::addExports(std::vector<Symbol> &symbols, const std::vector<Symbol> &dynamic) const {
  const size_t fromTables = symbols.size();
  for (const Symbol &known : dynamic) {
    auto end = symbols.begin() + static_cast<std::ptrdiff_t>(fromTables);
    // One symbol can have two versions at one address: each entry is joined once.
    auto same = std::find_if(symbols.begin(), end, [&](const Symbol &symbol) {
      return isSame(symbol, known) && !(symbol.exported && symbol.version != known.version);
    });
    if (same == end) {
      symbols.push_back(known);
      continue;
    }
    same->exported = same->exported || known.exported;
    if (known.version.empty() && !same->version.empty())
      continue; // of an object that was relocatable: without versions
    same->version = known.version;
    same->defaultVersion = known.defaultVersion;
  }
}

std::vector<std::vector<Symbol>> SymbolLookup::byName(const std::vector<std::string_view> &bases,
                                                      Spelling spelling) const {
  std::vector<std::vector<Symbol>> result(bases.size()), dynamic(bases.size());
  const std::vector<Table> all = tables();
  const bool keepClones = spelling != Spelling::Exported && bases.size() <= kMostSeen;
  if (keepClones)
    for (std::string_view base : bases)
      seen_.clones[std::string(base)].clear();
  for (uint32_t number = 0; number < all.size(); number++) {
    const Table &table = all[number];
    if (table.dynamic || spelling == Spelling::Exported) continue;
    FoundNames found = scanForNames(*table.table, bases, *table.contents);
    if (keepClones)
      for (NameHit hit : found.clones)
        seen_.clones[std::string(bases[hit.name])].push_back({number, hit.symbol});
    for (NameHit hit : found.names) {
      Symbol symbol = symbolOf(table, hit.symbol);
      auto &known = result[hit.name];
      // Both the file and its debug file may have a .symtab. (A long list is one of a hostile file: duplicates stay.)
      constexpr size_t kLong = 64;
      bool again = known.size() < kLong && std::ranges::find(known, symbol) != known.end();
      if (!again) known.push_back(std::move(symbol));
    }
  }
  for (NameHit hit : dynamicHits(bases))
    dynamic[hit.name].push_back(symbolOf({&*file_.image->dynsym, file_.contents, true}, hit.symbol));
  for (size_t i = 0; i < bases.size(); i++)
    addExports(result[i], dynamic[i]);
  return result;
}

std::vector<std::vector<Symbol>> SymbolLookup::byCxxName(const std::vector<std::string_view> &names) const {
  std::vector<std::vector<Symbol>> result(names.size());
  std::vector<Table> all = tables();
  for (const Table &table : all) {
    if (table.dynamic && all.size() > 1) continue; // .symtab has them all
    for (NameHit hit : scanForCxxNames(*table.table, names, *table.contents))
      result[hit.name].push_back(describe(table, hit.symbol));
  }
  // A constructor stands under two names (complete object, base object) at one address: one is enough.
  for (std::vector<Symbol> &symbols : result) {
    auto place = [](const Symbol &symbol) { return std::tuple(symbol.address.value, symbol.name); };
    std::ranges::sort(symbols, {}, place);
    auto again = std::ranges::unique(symbols, {}, &Symbol::address);
    symbols.erase(again.begin(), again.end());
  }
  return result;
}

Symbol SymbolLookup::describe(const Table &table, size_t index) const {
  std::vector<Symbol> symbols{symbolOf(table, index)};
  if (table.dynamic) return symbols.front();
  std::vector<Symbol> dynamic;
  for (NameHit hit : dynamicHits(std::array{std::string_view(symbols.front().name)}))
    dynamic.push_back(symbolOf({&*file_.image->dynsym, file_.contents, true}, hit.symbol));
  addExports(symbols, dynamic);
  return symbols.front();
}

std::string SymbolLookup::nameToWrite(const Table &table, size_t index) const {
  std::string_view name = nameOf(*table.table, entryAt(*table.table, index));
  if (name.empty() || name.size() > kLongestName) return {};
  if (!table.dynamic) {
    VersionedName versioned = splitVersion(name);
    return std::string(versioned.isDefault ? versioned.base : name);
  }
  Symbol symbol = symbolOf(table, index);
  return symbol.defaultVersion ? symbol.name : symbol.name + "@" + symbol.version;
}

std::vector<std::vector<Symbol>> SymbolLookup::clonesOf(const std::vector<std::string> &names) const {
  std::vector<std::string_view> fresh;
  for (const std::string &name : names)
    if (!seen_.clones.contains(name)) fresh.push_back(name);
  std::ranges::sort(fresh);
  fresh.erase(std::ranges::unique(fresh).begin(), fresh.end());
  const std::vector<Table> all = tables();
  for (std::string_view name : fresh)
    seen_.clones[std::string(name)].clear();
  for (uint32_t number = 0; number < all.size() && !fresh.empty(); number++)
    if (!all[number].dynamic) // they are local
      for (NameHit hit : scanForNames(*all[number].table, fresh, *all[number].contents).clones)
        seen_.clones[std::string(fresh[hit.name])].push_back({number, hit.symbol});
  std::vector<std::vector<Symbol>> result(names.size());
  for (size_t i = 0; i < names.size(); i++) {
    std::vector<Symbol> &clones = result[i];
    for (auto [table, symbol] : seen_.clones[names[i]])
      clones.push_back(describe(all[table], symbol));
    // The debug file has those of the file again.
    std::ranges::sort(clones, {}, [](const Symbol &symbol) { return std::tuple(symbol.address.value, symbol.name); });
    auto again = std::ranges::unique(clones, {}, &Symbol::address);
    clones.erase(again.begin(), again.end());
  }
  return result;
}

// Functions that were found are looked at next: what they end at, what stands beside them.
void SymbolLookup::note(const std::vector<std::vector<Symbol>> &found) const {
  if (found.size() > kMostSeen) return;
  for (const std::vector<Symbol> &symbols : found)
    for (const Symbol &symbol : symbols) {
      bool code = symbol.kind != SymbolKind::Object && symbol.kind != SymbolKind::ThreadLocal;
      if (!code || symbol.absolute || seen_.places.size() >= 2 * kMostSeen) continue;
      seen_.places.push_back(symbol.address.value);
      if (symbol.size > 1) seen_.places.push_back(symbol.address.value + (symbol.size - 1));
    }
}

std::vector<std::vector<Symbol>> SymbolLookup::find(const std::vector<std::string> &names, Spelling spelling) const {
  std::vector<VersionedName> wanted;
  std::vector<std::string_view> bases;
  std::unordered_map<std::string_view, size_t> baseOf;
  for (const std::string &name : names) {
    wanted.push_back(splitVersion(name));
    if (baseOf.try_emplace(wanted.back().base, bases.size()).second) bases.push_back(wanted.back().base);
  }
  std::vector<std::vector<Symbol>> result(names.size()), found(bases.size());
  if (spelling != Spelling::Cxx) found = byName(bases, spelling);
  std::vector<std::string_view> unknown;
  for (size_t i = 0; i < names.size(); i++) {
    const std::vector<Symbol> &symbols = found[baseOf[wanted[i].base]];
    result[i] = select(symbols, wanted[i]);
    if (symbols.empty() && spelling >= Spelling::AlsoCxx) unknown.push_back(names[i]);
  }
  std::ranges::sort(unknown);
  unknown.erase(std::ranges::unique(unknown).begin(), unknown.end());
  std::vector<std::vector<Symbol>> demangled;
  if (!unknown.empty()) demangled = byCxxName(unknown);
  for (size_t i = 0; i < names.size() && !unknown.empty(); i++) {
    auto position = std::ranges::lower_bound(unknown, std::string_view(names[i]));
    if (position == unknown.end() || *position != names[i]) continue;
    result[i] = select(demangled[static_cast<size_t>(position - unknown.begin())], {});
  }
  note(result);
  return result;
}

} // namespace lpc::target
