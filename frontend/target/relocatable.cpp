// Linking a relocatable object by itself, in two passes over its relocations: the first finds out which entries of the
// table of addresses, which stubs and which dynamic relocations they need, so that everything has a place; the second
// applies them.
//
// Why into a shared object: the front end proves a payload from its segments and symbols, the backend places and binds
// it, and both have one form of it to be right about. Rejected: JITLink, which in LLVM 19 has neither initial-exec
// thread-local access nor PLTOFF64 (large model) nor indirect functions, and an API that wants its own memory.
//
// A reference to something outside may be out of the reach of its instruction. Calls go through stubs, and `lea` reads
// the address from the table instead; what is left are direct accesses to foreign data, which code for programs
// (without -fPIC) makes: these reach what is near, and are refused with a message where it is not.
//
// An indirect function of the object's own is its stub to everyone, so that all pointers to it are equal; the stub's
// entry gets what the resolver returns (R_*_IRELATIVE).
#include "frontend/target/relocatable.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "frontend/target/relocatable_image.h"
#include "frontend/target/type_info.h"
#include "ir/support/cat.h"

namespace lpc::target {
namespace {

using Form = StaticRule::Form;
using Home = InputSymbol::Home;

constexpr uint64_t kWord = 8;

// An entry of the table of addresses.
struct Entry {
  enum class Kind : uint8_t { Address, ThreadOffset, ModulePair, Module, Descriptor, Resolved };
  Kind kind = Kind::Address;
  uint32_t symbol = 0;
  int64_t addend = 0;
  bool operator==(const Entry &) const = default;
  [[nodiscard]] uint64_t words() const {
    return kind == Kind::Address || kind == Kind::ThreadOffset || kind == Kind::Resolved ? 1 : 2;
  }
};
struct EntryHash {
  size_t operator()(const Entry &entry) const {
    return std::hash<uint64_t>()((static_cast<uint64_t>(entry.addend) * 31 + entry.symbol) * 8 +
                                 static_cast<uint64_t>(entry.kind));
  }
};

// What a relocation comes to.
enum class Way : uint8_t { Now, InTable, InTableByReading, Stub, Later, Impossible };

bool fits(uint64_t value, const StaticRule &rule) {
  using Range = StaticRule::Range;
  if (rule.range == Range::Whole || rule.width == 8) return true;
  unsigned bits = 8U * rule.width;
  bool asUnsigned = value >> bits == 0;
  int64_t top = static_cast<int64_t>(value) >> (bits - 1); // 0 or -1: the rest of the value is its sign
  bool asSigned = top == 0 || top == -1;
  if (rule.range == Range::Either) return asUnsigned || asSigned;
  return rule.range == Range::Unsigned ? asUnsigned : asSigned;
}

class Linker {
public:
  Linker(RelocatableInput input, const StaticMachine &machine) : input_(std::move(input)), machine_(machine) {}

  Result<Bytes> run() {
    makeSymbols();
    if (auto found = findResolvers(); !found) return std::unexpected(std::move(found.error()));
    auto scanned = forEach(&Linker::scan);
    if (!scanned) return std::unexpected(std::move(scanned.error()));
    auto layout = layOut(input_, {stubs_.size() * machine_.stubSize, tableWords_ * kWord, unwindIndexSize(input_)});
    if (!layout) return std::unexpected(std::move(layout.error()));
    layout_ = *layout;
    makeStubsOfResolvers();
    copyContent();
    writeTable();
    writeStubs();
    auto applied = forEach(&Linker::apply);
    if (!applied) return std::unexpected(std::move(applied.error()));
    writeUnwindIndex(layout_, content_);
    return writeSharedObject(input_, layout_, std::move(content_), dynamic_);
  }

private:
  struct Relocation {
    InputSection &section;
    uint64_t offset = 0;
    uint32_t type = 0, symbolIndex = 0;
    int64_t addend = 0;
    const StaticRule &rule;
    const InputSymbol &symbol;
  };

  // Names that a linker defines: of the table, of the object itself, of sections whose names are C identifiers.
  void makeSymbols() {
    for (InputSymbol &symbol : input_.symbols) {
      symbol.yields = yields(symbol);
      if (symbol.home != Home::Undefined) continue;
      if (symbol.name == "_GLOBAL_OFFSET_TABLE_" || symbol.name == "__dso_handle") symbol.home = Home::Made;
      for (bool stop : {false, true}) {
        std::string_view prefix = stop ? "__stop_" : "__start_";
        if (!symbol.name.starts_with(prefix)) continue;
        auto section = std::ranges::find(input_.sections, symbol.name.substr(prefix.size()), &InputSection::name);
        if (section == input_.sections.end() || section->part == Part::None) continue;
        symbol.home = Home::Section;
        symbol.section = static_cast<uint32_t>(section - input_.sections.begin());
        symbol.raw.st_value = stop ? section->size : 0;
      }
    }
  }

  Result<void> findResolvers() {
    for (uint32_t i = 0; i < input_.symbols.size(); i++) {
      const InputSymbol &symbol = input_.symbols[i];
      if (symbol.home != Home::Section || symbol.type() != STT_GNU_IFUNC) continue;
      if (input_.sections[symbol.section].part != Part::Code)
        return input_.corrupt(cat("the resolver of `", symbol.name, "` is no code"));
      resolvers_.try_emplace(i);
      addStub(i, Entry::Kind::Resolved);
    }
    return {};
  }

  // From here on the stub is what the symbol means.
  void makeStubsOfResolvers() {
    for (auto &[index, resolver] : resolvers_) {
      InputSymbol &symbol = input_.symbols[index];
      resolver = std::exchange(symbol.address, stubAt(index));
      symbol.home = Home::Stub;
      symbol.raw.st_info = static_cast<uint8_t>(ELF64_ST_INFO(symbol.binding(), STT_FUNC));
      symbol.raw.st_size = machine_.stubSize;
    }
  }

  Result<void> forEach(Result<void> (Linker::*visit)(const Relocation &)) {
    for (const InputRelocations &table : input_.relocations) {
      InputSection &section = input_.sections[table.section];
      for (uint64_t at = 0; at < table.entries.size(); at += sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        std::memcpy(&rela, table.entries.data() + at, sizeof rela);
        auto type = static_cast<uint32_t>(ELF64_R_TYPE(rela.r_info));
        auto symbol = static_cast<uint32_t>(ELF64_R_SYM(rela.r_info));
        const StaticRule &rule = machine_.rule(type);
        if (rule.form == Form::Nothing) continue;
        if (symbol >= input_.symbols.size())
          return input_.corrupt("a relocation refers to a symbol outside of its table");
        if (rela.r_offset > section.size || section.size - rela.r_offset < rule.width)
          return input_.corrupt(cat("a relocation of `", section.name, "` lies outside of it"));
        Relocation relocation{section, rela.r_offset, type, symbol, rela.r_addend, rule, input_.symbols[symbol]};
        if (auto done = (this->*visit)(relocation); !done) return done;
      }
    }
    return {};
  }

  // --- what a relocation needs

  // Variables of which every object of a program has a copy (C++: inline, of templates, static in inline functions),
  // and weak ones. Two copies would be two states (backend/link_reader.cpp decides alike for shared objects, and so for
  // what describes types).
  [[nodiscard]] bool yields(const InputSymbol &symbol) const {
    bool many = symbol.binding() == STB_WEAK || symbol.binding() == STB_GNU_UNIQUE;
    if (!many || symbol.type() != STT_OBJECT || symbol.home != Home::Section || symbol.name.empty() ||
        ELF64_ST_VISIBILITY(symbol.raw.st_other) != STV_DEFAULT)
      return false;
    Part part = input_.sections[symbol.section].part;
    return part == Part::Data || part == Part::Zeroed || describesType(symbol.name);
  }

  // Its place in the image is known, and nobody else may define it.
  [[nodiscard]] static bool isOwn(const InputSymbol &symbol) {
    if (symbol.yields) return false;
    return symbol.home == Home::Section || symbol.home == Home::Common || symbol.home == Home::Made ||
           symbol.home == Home::Stub;
  }

  [[nodiscard]] static Way wayOf(const Relocation &relocation, const StaticMachine &machine) {
    const bool own = isOwn(relocation.symbol), number = relocation.symbol.home == Home::Absolute;
    const bool behindPlace = relocation.addend == -4; // of a displacement of 4 bytes that ends its instruction
    const uint8_t width = relocation.rule.width;
    switch (relocation.rule.form) {
    case Form::Address: return number ? Way::Now : width >= 4 ? Way::Later : Way::Impossible;
    case Form::FromPlace: {
      if (own) return Way::Now;
      if (width < 4) return Way::Impossible;
      if (width > 4 || number || relocation.section.part != Part::Code) return Way::Later;
      if (behindPlace && machine.isBranch(relocation.section.bytes, relocation.offset)) return Way::Stub;
      return machine.readsAddress(relocation.section.bytes, relocation.offset) ? Way::InTableByReading : Way::Later;
    }
    case Form::Branch: return own ? Way::Now : behindPlace && !number ? Way::Stub : Way::Later;
    case Form::BranchFromTable: return own ? Way::Now : number ? Way::Impossible : Way::Stub;
    case Form::FromTable: return own ? Way::Now : Way::Impossible;
    case Form::Size: return own || relocation.symbol.yields ? Way::Now : Way::Impossible;
    case Form::TableFromPlace: return Way::Now;
    case Form::ThreadOffset:
    case Form::ModuleOffset: return Way::Later;
    case Form::EntryFromPlace:
    case Form::EntryFromTable:
    case Form::ThreadOffsetEntry:
    case Form::ModulePairEntry:
    case Form::ModuleEntry:
    case Form::DescriptorEntry: return Way::InTable;
    case Form::Unknown:
    case Form::Nothing: break;
    }
    return Way::Impossible;
  }

  static Entry entryOf(const Relocation &relocation) {
    switch (relocation.rule.form) {
    case Form::ThreadOffsetEntry: return {Entry::Kind::ThreadOffset, relocation.symbolIndex};
    case Form::ModulePairEntry: return {Entry::Kind::ModulePair, relocation.symbolIndex};
    case Form::ModuleEntry: return {Entry::Kind::Module, relocation.symbolIndex};
    case Form::DescriptorEntry: return {Entry::Kind::Descriptor, relocation.symbolIndex};
    default: return {Entry::Kind::Address, relocation.symbolIndex};
    }
  }
  // `lea` of S+A: the entry holds the whole sum, because the addend of a read would move the entry.
  static Entry entryToRead(const Relocation &relocation) {
    return {Entry::Kind::Address, relocation.symbolIndex, relocation.addend + 4};
  }

  void addEntry(const Entry &entry) {
    auto [known, fresh] = entries_.try_emplace(entry, tableWords_);
    if (!fresh) return;
    order_.push_back(entry);
    tableWords_ += entry.words();
  }

  void addStub(uint32_t symbol, Entry::Kind entry) {
    if (!stubs_.try_emplace(symbol, stubs_.size()).second) return;
    stubOrder_.push_back(symbol);
    addEntry({entry, symbol});
  }

  Result<void> scan(const Relocation &relocation) {
    const InputSymbol &symbol = relocation.symbol;
    std::string of = symbol.name.empty() ? "" : cat(" of `", symbol.name, "`");
    if (relocation.rule.form == Form::Unknown)
      return input_.unsupported(cat("has a relocation", of, " of type ", relocation.type, ", which `dl` cannot apply"));
    if (symbol.home == Home::Nowhere)
      return input_.corrupt(cat("`", relocation.section.name, "` refers to something that is not loaded"));
    if (symbol.home == Home::Undefined && symbol.name.empty())
      return input_.corrupt("a relocation refers to an undefined symbol without a name");
    switch (wayOf(relocation, machine_)) {
    case Way::Now:
    case Way::Later: break;
    case Way::InTable: addEntry(entryOf(relocation)); break;
    case Way::InTableByReading: addEntry(entryToRead(relocation)); break;
    case Way::Stub: addStub(relocation.symbolIndex, Entry::Kind::Address); break;
    case Way::Impossible:
      return input_.unsupported(cat("refers to `", symbol.name, "` of another object by ", relocation.rule.name,
                                    ", which only reaches the object's own"),
                                "compile it with -fPIC, and without hidden visibility for what others define");
    }
    return {};
  }

  // --- content

  void copyContent() {
    content_.resize(layout_.contentEnd);
    for (const InputSection &section : input_.sections)
      std::ranges::copy(section.bytes, content_.begin() + static_cast<ptrdiff_t>(section.address));
  }

  void store(uint64_t place, uint8_t width, uint64_t value) {
    storeLittle(std::span(content_).subspan(place, width), value);
  }

  [[nodiscard]] uint64_t tableAt(const Entry &entry) const { return layout_.table.begin + entries_.at(entry) * kWord; }
  [[nodiscard]] uint64_t stubAt(uint32_t symbol) const {
    return layout_.stubs.begin + stubs_.at(symbol) * machine_.stubSize;
  }

  void writeTable() {
    for (const Entry &entry : order_) {
      uint64_t place = tableAt(entry);
      switch (entry.kind) {
      case Entry::Kind::Address: writeAddress(place, entry); break;
      case Entry::Kind::ThreadOffset: later(place, machine_.threadOffset, entry.symbol, 0); break;
      case Entry::Kind::Descriptor: later(place, machine_.descriptor, entry.symbol, 0); break;
      case Entry::Kind::Module: later(place, machine_.module, entry.symbol, 0); break;
      case Entry::Kind::Resolved:
        later(place, machine_.resolved, 0, static_cast<int64_t>(resolvers_.at(entry.symbol)));
        break;
      case Entry::Kind::ModulePair:
        later(place, machine_.module, entry.symbol, 0);
        later(place + kWord, machine_.moduleOffset, entry.symbol, 0);
        break;
      }
    }
  }

  void writeAddress(uint64_t place, const Entry &entry) {
    const InputSymbol &symbol = input_.symbols[entry.symbol];
    uint64_t value = symbol.address + static_cast<uint64_t>(entry.addend);
    if (isOwn(symbol))
      later(place, machine_.relative, 0, static_cast<int64_t>(value));
    else if (symbol.home == Home::Absolute)
      store(place, kWord, value);
    else
      later(place, entry.addend == 0 ? machine_.tableAddress : machine_.absolute, entry.symbol, entry.addend);
  }

  void writeStubs() {
    for (uint32_t symbol : stubOrder_) {
      uint64_t at = stubAt(symbol);
      Entry::Kind kind = resolvers_.contains(symbol) ? Entry::Kind::Resolved : Entry::Kind::Address;
      machine_.writeStub(std::span(content_).subspan(at, machine_.stubSize), at, tableAt({kind, symbol}));
    }
  }

  void later(uint64_t place, uint32_t type, uint32_t symbol, int64_t addend) {
    dynamic_.push_back({place, type, symbol, addend});
  }

  // --- applying

  Result<void> apply(const Relocation &relocation) {
    const uint64_t place = relocation.section.address + relocation.offset;
    uint64_t symbol = relocation.symbol.address, addend = static_cast<uint64_t>(relocation.addend); // sums wrap
    switch (wayOf(relocation, machine_)) {
    case Way::Now: break;
    case Way::InTable: symbol = tableAt(entryOf(relocation)); break;
    case Way::InTableByReading:
      machine_.makeItRead(content_, place);
      symbol = tableAt(entryToRead(relocation)), addend = static_cast<uint64_t>(int64_t{-4});
      break;
    case Way::Stub: symbol = stubAt(relocation.symbolIndex); break;
    case Way::Later: leave(relocation, place); return {};
    case Way::Impossible: LPC_CHECK(!"a relocation that was refused when scanning");
    }
    return storeNow(relocation, place, symbol, addend);
  }

  Result<void> storeNow(const Relocation &relocation, uint64_t place, uint64_t symbol, uint64_t addend) {
    uint64_t value = symbol + addend, table = layout_.table.begin;
    switch (relocation.rule.form) {
    case Form::Address: break;
    case Form::FromPlace:
    case Form::Branch:
    case Form::EntryFromPlace:
    case Form::ThreadOffsetEntry:
    case Form::ModulePairEntry:
    case Form::ModuleEntry:
    case Form::DescriptorEntry: value -= place; break;
    case Form::EntryFromTable:
    case Form::FromTable:
    case Form::BranchFromTable: value -= table; break;
    case Form::TableFromPlace: value = table + addend - place; break;
    case Form::Size: value = relocation.symbol.raw.st_size + addend; break;
    case Form::ThreadOffset:
    case Form::ModuleOffset:
    case Form::Unknown:
    case Form::Nothing: LPC_CHECK(!"a relocation that is left to the process");
    }
    if (!fits(value, relocation.rule))
      return fail(DiagnosticId::RelocationOverflow,
                  cat("`", input_.name, "`: a relocation (", relocation.rule.name, ") in `", relocation.section.name,
                      "` cannot reach its symbol"));
    store(place, relocation.rule.width, value);
    return {};
  }

  void leave(const Relocation &relocation, uint64_t place) {
    auto value = static_cast<int64_t>(relocation.symbol.address + static_cast<uint64_t>(relocation.addend)); // if own
    bool own = isOwn(relocation.symbol);
    bool wide = relocation.rule.form == Form::Address && relocation.rule.width == kWord;
    if (own && wide)
      later(place, machine_.relative, 0, value);
    else if (own)
      later(place, relocation.type, DynamicRelocation::kImage, value);
    else
      later(place, relocation.rule.form == Form::Branch ? machine_.fromPlace : relocation.type, relocation.symbolIndex,
            relocation.addend);
  }

  RelocatableInput input_;
  const StaticMachine &machine_;
  std::unordered_map<Entry, uint64_t, EntryHash> entries_; // to its first word
  std::vector<Entry> order_;
  uint64_t tableWords_ = 0;
  std::unordered_map<uint32_t, uint64_t> stubs_; // symbol to number
  std::vector<uint32_t> stubOrder_;
  std::map<uint32_t, uint64_t> resolvers_; // of indirect functions, by symbol: where they are, once there is a layout
  ImageLayout layout_;
  Bytes content_;
  std::vector<DynamicRelocation> dynamic_;
};

} // namespace

bool isRelocatable(BytesView file) {
  Elf64_Ehdr header;
  if (file.size() < sizeof header) return false;
  std::memcpy(&header, file.data(), sizeof header);
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
         header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_type == ET_REL;
}

Result<Bytes> linkRelocatable(BytesView file, const std::string &name) {
  Elf64_Ehdr header;
  if (!isRelocatable(file)) return fail(DiagnosticId::CorruptPayload, cat("`", name, "` is no relocatable object"));
  std::memcpy(&header, file.data(), sizeof header);
  if (header.e_machine != EM_X86_64)
    return fail(DiagnosticId::UnsupportedMachine, cat("`", name,
                                                      "` is a relocatable object for a machine whose "
                                                      "objects cannot be linked yet"));
  auto input = readRelocatable(file, name);
  if (!input) return std::unexpected(std::move(input.error()));
  return Linker(std::move(*input), staticRulesX86()).run();
}

} // namespace lpc::target
