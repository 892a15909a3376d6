// Reading a payload, in order: segments, dynamic section, relocations, symbols, then what cannot be linked.
//
// Own definitions win: a symbol that the payload defines is bound to that definition, whoever else in the process
// defines it too (as with -Bsymbolic). The payload is the replacement; a reference to its own function that went
// to the function it replaces would undo the patch.
#include "backend/link_reader.h"

#include <sys/mman.h>

#include <algorithm>
#include <ranges>
#include <set>

#include "backend/arch/ifunc_stub.h"
#include "backend/link_start.h"
#include "frontend/target/exceptions.h"
#include "frontend/target/type_info.h"
#include "ir/support/cat.h"

namespace lpc::backend {

// The table of contents. Each step leaves what the next ones need in a member.
Result<PayloadImage> PayloadReader::read() {
  using Step = Result<void> (PayloadReader::*)();
  constexpr Step kSteps[] = {
      &PayloadReader::readSegments,       // where the parts lie in the image
      &PayloadReader::readDynamic,        // tables, through the segments
      &PayloadReader::readRelocations,    // all three kinds, as one list by offset
      &PayloadReader::exportSymbols,      // names for `$NAME:SYMBOL`
      &PayloadReader::refuseThreadLocal,  // needs the names
      &PayloadReader::useSymbols,         // what relocations refer to, and what is undefined
      &PayloadReader::checkRelocations,   // each can be applied to a place in the image
      &PayloadReader::readStartFunctions, // needs good relocations
      &PayloadReader::copyContent,
  };
  for (Step step : kSteps)
    if (auto done = (this->*step)(); !done) return std::unexpected(std::move(done.error()));
  return std::move(image_);
}

Result<void> PayloadReader::readSegments() {
  auto map = SegmentMap::make(file_);
  if (!map) return std::unexpected(std::move(map.error()));
  map_ = std::move(*map);
  auto segments = map_.segments(file_);
  if (!segments) return std::unexpected(std::move(segments.error()));
  image_.segments = std::move(*segments);
  image_.size = map_.size();
  image_.alignment = map_.alignment();
  for (const Elf64_Phdr &header : file_.programHeaders()) {
    if (header.p_type != PT_GNU_EH_FRAME) continue;
    auto offset = map_.offsetOf(header.p_vaddr);
    if (!offset || map_.segmentOf(*offset, header.p_memsz) == nullptr)
      return file_.corrupt("its unwinding table lies outside of its segments");
    image_.unwindTable = PayloadRange{*offset, header.p_memsz};
  }
  return {};
}

Result<void> PayloadReader::readDynamic() {
  auto dynamic = DynamicSection::read(file_, map_);
  if (!dynamic) return std::unexpected(std::move(dynamic.error()));
  dynamic_ = std::move(*dynamic);
  image_.needed = dynamic_.needed;
  return {};
}

// --- relocations --------------------------------------------------------------------------------------------

Result<void> PayloadReader::readRelocations() {
  auto added =
      inOrder([&] { return addRelocations(dynamic_.relocations); },
              [&] { return addRelocations(dynamic_.pltRelocations); }, [&] { return addRelativeRelocations(); });
  if (added) std::ranges::sort(image_.relocations_, {}, &PayloadImage::Relocation::offset);
  return added;
}

Result<void> PayloadReader::addRelocations(BytesView table) {
  for (uint64_t at = 0; auto rela = readAt<Elf64_Rela>(table, at); at += sizeof(Elf64_Rela)) {
    auto offset = map_.offsetOf(rela->r_offset);
    if (!offset)
      return file_.corrupt(cat("the relocation at ", hexAddress(rela->r_offset), " lies outside of its segments"));
    auto type = static_cast<uint32_t>(ELF64_R_TYPE(rela->r_info));
    auto symbol = static_cast<uint32_t>(ELF64_R_SYM(rela->r_info));
    const RelocationRule *rule = arch_.relocation(type);
    if (rule == nullptr) return file_.unsupported(cat("has a relocation of type ", type, ", which `dl` cannot apply"));
    if (rule->value == RelocationRule::Value::Nothing) continue;
    if (rule->value == RelocationRule::Value::IndirectFunction) {
      auto stub = stubOf(map_.offsetOf(static_cast<uint64_t>(rela->r_addend)));
      if (!stub) return std::unexpected(std::move(stub.error()));
      auto link = static_cast<int64_t>(*stub + map_.start()); // wraps as link addresses do
      image_.relocations_.push_back({*offset, arch_.relativeRelocation(), 0, link});
      continue;
    }
    usedSymbols_ = std::max<uint64_t>(usedSymbols_, uint64_t{symbol} + 1);
    image_.relocations_.push_back({*offset, type, symbol, rela->r_addend});
  }
  return {};
}

// An indirect function has no address before its resolver has run. So everyone gets that of a stub, which goes where
// the resolver said: the same for calls and for pointers.
Result<uint64_t> PayloadReader::stubOf(std::optional<uint64_t> resolver) {
  constexpr size_t kMost = 4096;
  const uint64_t offset = resolver.value_or(UINT64_MAX);
  const LoadSegment *load = map_.segmentOf(offset, 1);
  if (load == nullptr || (load->protection & PROT_EXEC) == 0)
    return file_.corrupt("the resolver of an indirect function lies outside of its code");
  auto [known, fresh] = resolvers_.try_emplace(offset, image_.indirect.size());
  if (fresh) image_.indirect.push_back({offset, 0, "?"});
  if (image_.indirect.size() > kMost) return file_.unsupported("has more than 4096 indirect functions");
  return map_.size() + known->second * slotJumpSize(image_.machine_);
}

// RELR (gABI, "Relative relocation table"): an even entry is a place; an odd one is a bitmap of the 63 words behind the
// last place. Places must rise, as all linkers write them: then a small table cannot stand for more than the image.
Result<void> PayloadReader::addRelativeRelocations() {
  constexpr uint64_t kWord = sizeof(uint64_t), kBits = 63;
  uint64_t next = 0; // link address behind the last place
  for (uint64_t at = 0; auto entry = readAt<Elf64_Relr>(dynamic_.relativeRelocations, at); at += kWord) {
    if ((*entry & 1) == 0) {
      if (*entry < next) return file_.corrupt("its relative relocations are not in order");
      if (auto added = addRelativeRelocation(*entry); !added) return added;
      next = *entry + kWord;
      continue;
    }
    for (uint64_t bit = 0; bit < kBits; bit++)
      if ((*entry >> (bit + 1) & 1) != 0)
        if (auto added = addRelativeRelocation(next + bit * kWord); !added) return added;
    next += kBits * kWord;
  }
  return {};
}

Result<void> PayloadReader::addRelativeRelocation(uint64_t linkAddress) {
  auto bytes = map_.view(linkAddress, sizeof(uint64_t)); // holds the addend
  auto offset = map_.offsetOf(linkAddress);
  if (!bytes || !offset)
    return file_.corrupt(cat("the relative relocation at ", hexAddress(linkAddress), " lies outside of its segments"));
  image_.relocations_.push_back({*offset, arch_.relativeRelocation(), 0, static_cast<int64_t>(loadLittle(*bytes))});
  return {};
}

// Symbols are good by now (useSymbols).
Result<void> PayloadReader::checkRelocations() {
  for (PayloadImage::Relocation &relocation : image_.relocations_) {
    if (auto good = checkRelocation(relocation); !good) return good;
    // B is the load bias; with the addend counted from the image's start, it becomes the base. The sum may wrap, as in
    // the loader: it is stored, not followed.
    if (arch_.relocation(relocation.type)->value == RelocationRule::Value::Base)
      relocation.addend = static_cast<int64_t>(static_cast<uint64_t>(relocation.addend) - map_.start());
  }
  return {};
}

Result<void> PayloadReader::checkRelocation(const PayloadImage::Relocation &relocation) {
  const RelocationRule &rule = *arch_.relocation(relocation.type);
  const ElfSymbol *symbol = relocation.symbol != 0 ? &symbols_[relocation.symbol] : nullptr;
  std::string of = symbol != nullptr && !symbol->name.empty() ? cat(" of `", symbol->name, "`") : "";
  bool isOwn = symbol == nullptr || symbol->isDefined();
  using Value = RelocationRule::Value;
  switch (rule.value) {
  case Value::ModuleId:
  case Value::ModuleOffset:
  case Value::ThreadOffset:
  case Value::ThreadDescriptor:
    if (isOwn)
      return fail(DiagnosticId::PayloadThreadLocal, cat("`", file_.name(), "` has thread-local variables", of,
                                                        ", which needs the process's own dynamic linker"));
    if (symbol->type() != STT_TLS)
      return file_.corrupt(cat("a relocation takes `", symbol->name, "` for a thread-local variable"));
    break;
  case Value::Copy:
    return file_.unsupported(cat("has a copy relocation", of, ": it is linked as a program"),
                             "compile it with -fPIC and link it with -shared");
  case Value::IndirectFunction: // relative to its stub by now
  case Value::Nothing:
  case Value::Symbol:
  case Value::SymbolFromPlace:
  case Value::Base: break;
  }
  bool threadLocal = rule.value == Value::ModuleId || rule.value == Value::ModuleOffset ||
                     rule.value == Value::ThreadOffset || rule.value == Value::ThreadDescriptor;
  if (symbol != nullptr && symbol->type() == STT_TLS && !threadLocal)
    return file_.corrupt(cat("a relocation takes the address of the thread-local variable `", symbol->name, "`"));
  if (map_.segmentOf(relocation.offset, rule.width) == nullptr)
    return file_.corrupt(cat("a relocation", of, " lies outside of its segments"));
  return {};
}

// --- symbols ------------------------------------------------------------------------------------------------

Result<void> PayloadReader::exportSymbols() {
  auto symbols = dynamicSymbols(file_, map_, dynamic_, usedSymbols_);
  if (!symbols) return std::unexpected(std::move(symbols.error()));
  symbols_ = std::move(*symbols);
  auto locals = sectionSymbols(file_);
  if (!locals) return std::unexpected(std::move(locals.error()));
  localSymbols_ = std::move(*locals);

  for (const ElfSymbol &symbol : symbols_)
    if (symbol.binding() != STB_LOCAL && !symbol.hiddenVersion)
      if (auto added = exportSymbol(symbol, true); !added) return added;
  for (const ElfSymbol &symbol : localSymbols_)
    if (auto added = exportSymbol(symbol, false); !added) return added;
  return {};
}

// Names of places in the image; the rest (sections, files, absolute values, thread-local offsets) are none. A global of
// .symtab has been seen in the dynamic table. In symbol tables of objects the default version of a name stands as
// NAME@@VERSION, and it is what the plain name means.
Result<void> PayloadReader::exportSymbol(const ElfSymbol &symbol, bool exported) {
  if (size_t plain = symbol.name.find("@@"); plain != 0 && plain != std::string_view::npos) {
    ElfSymbol named = symbol;
    named.name = symbol.name.substr(0, plain);
    if (auto added = exportSymbol(named, exported); !added) return added;
  }
  unsigned type = symbol.type();
  bool isIndirect = type == STT_GNU_IFUNC;
  bool isPlace = type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE || type == STT_COMMON || isIndirect;
  if (!isPlace || symbol.name.empty() || !symbol.isDefined() || symbol.isAbsolute()) return {};
  auto known = image_.byName_.find(std::string(symbol.name));
  if (!exported && known != image_.byName_.end() && known->second != kAmbiguous &&
      image_.exported[known->second].exported)
    return {};
  auto offset = map_.offsetOf(symbol.raw.st_value);
  if (!offset) {
    if (!exported) return {}; // a local that is in no segment: a section that is not loaded
    return file_.corrupt(cat("its symbol `", symbol.name, "` lies outside of its segments"));
  }
  uint64_t size = symbol.raw.st_size;
  if (isIndirect) {
    if (!exported && !resolvers_.contains(*offset)) return {}; // nobody refers to it
    auto stub = stubOf(offset);
    if (!stub) return std::unexpected(std::move(stub.error()));
    image_.indirect[resolvers_.at(*offset)].name = symbol.name;
    offset = *stub, size = slotJumpSize(image_.machine_);
  }
  if (auto counted = file_.account(symbol.name); !counted) return counted;
  if (known == image_.byName_.end())
    image_.byName_.emplace(symbol.name, image_.exported.size());
  else if (!exported)
    known->second = kAmbiguous;
  bool isFunction = type == STT_FUNC || isIndirect;
  image_.exported.push_back({std::string(symbol.name), *offset, size, isFunction, exported});
  return {};
}

Result<void> PayloadReader::refuseThreadLocal() {
  auto isThreadLocal = [](const Elf64_Phdr &header) { return header.p_type == PT_TLS && header.p_memsz != 0; };
  if (std::ranges::none_of(file_.programHeaders(), isThreadLocal)) return {};
  std::set<std::string_view> names;
  for (const auto *table : {&symbols_, &localSymbols_})
    for (const ElfSymbol &symbol : *table)
      if (symbol.type() == STT_TLS && symbol.isDefined() && !symbol.name.empty()) names.insert(symbol.name);
  constexpr size_t kEnough = 8;
  std::string list;
  for (std::string_view name : names | std::views::take(kEnough))
    list += cat(list.empty() ? " (`" : ", `", name, "`");
  if (names.size() > kEnough) list += ", …";
  return fail(DiagnosticId::PayloadThreadLocal,
              cat("`", file_.name(), "` defines thread-local variables", list, list.empty() ? "" : ")",
                  ", which needs the process's own dynamic linker"));
}

Result<void> PayloadReader::useSymbols() {
  std::vector<bool> used(std::max<uint64_t>(usedSymbols_, 1));
  for (const PayloadImage::Relocation &relocation : image_.relocations_)
    used[relocation.symbol] = true;
  image_.symbols_.resize(std::max<uint64_t>(usedSymbols_, 1));
  using Kind = PayloadImage::SymbolEntry::Kind;
  for (uint64_t i = 1; i < usedSymbols_; i++) {
    if (!used[i]) continue;
    const ElfSymbol &symbol = symbols_[i];
    if (symbol.isAbsolute()) {
      image_.symbols_[i] = {Kind::Absolute, symbol.raw.st_value};
    } else if (symbol.isDefined() && !yields(symbol)) {
      // The value of a thread-local symbol is no address; its relocations are refused.
      auto offset = symbol.type() == STT_TLS ? std::optional<uint64_t>(0) : map_.offsetOf(symbol.raw.st_value);
      if (symbol.type() == STT_GNU_IFUNC) {
        auto stub = stubOf(offset);
        if (!stub) return std::unexpected(std::move(stub.error()));
        offset = *stub;
      }
      if (!offset) return file_.corrupt(cat("its symbol `", symbol.name, "` lies outside of its segments"));
      image_.symbols_[i] = {Kind::Own, *offset};
    } else if (auto done = useUndefined(symbol, i); !done) {
      return done;
    }
  }
  return {};
}

Result<void> PayloadReader::useUndefined(const ElfSymbol &symbol, uint64_t index) {
  if (symbol.name.empty()) return file_.corrupt("a relocation refers to an undefined symbol without a name");
  image_.throws |= target::throwsExceptions(symbol.name);
  auto counted = inOrder([&] { return file_.account(symbol.name); }, [&] { return file_.account(symbol.version.name); },
                         [&] { return file_.account(symbol.version.library); });
  if (!counted) return counted;
  image_.symbols_[index] = {PayloadImage::SymbolEntry::Kind::Undefined, image_.undefined.size()};
  UndefinedSymbol undefined{.name = std::string(symbol.name),
                            .weak = symbol.binding() == STB_WEAK,
                            .version = std::string(symbol.version.name),
                            .library = std::string(symbol.version.library),
                            .threadLocal = symbol.type() == STT_TLS};
  if (symbol.isDefined()) undefined.own = map_.offsetOf(symbol.raw.st_value), undefined.size = symbol.raw.st_size;
  image_.undefined.push_back(std::move(undefined));
  return {};
}

// A definition that yields to the process's: a weak or unique variable that is written to. Two copies of it would be
// two states; functions and constants are the payload's own in any case, for they may be what is to be changed. But for
// what describes a type (Itanium C++ ABI, "External Names": _ZTI, _ZTS): libc++ compares types by its address.
bool PayloadReader::yields(const ElfSymbol &symbol) const {
  bool many = symbol.binding() == STB_WEAK || symbol.binding() == STB_GNU_UNIQUE;
  if (!many || symbol.type() != STT_OBJECT || symbol.name.empty()) return false;
  if (target::describesType(symbol.name)) return true;
  auto offset = map_.offsetOf(symbol.raw.st_value);
  return offset && std::ranges::any_of(image_.segments, [&](const PayloadSegment &segment) {
           return *offset >= segment.offset && *offset - segment.offset < segment.size &&
                  (segment.protection & PROT_WRITE) != 0;
         });
}

// --- constructors -------------------------------------------------------------------------------------------

// The value that relocations give to `width` bytes, where it is known before the payload has a place.
StartMemory::Relocated PayloadReader::relocated(uint64_t offset, unsigned width) const {
  constexpr uint64_t kWidest = 8; // of a relocation
  using Relocation = PayloadImage::Relocation;
  auto first =
      std::ranges::lower_bound(image_.relocations_, offset - std::min(offset, kWidest - 1), {}, &Relocation::offset);
  auto last = std::ranges::lower_bound(image_.relocations_, offset + width, {}, &Relocation::offset);
  if (first == last) return {};
  const RelocationRule &rule = *arch_.relocation(first->type);
  if (last - first != 1 || first->offset != offset || rule.width != width) return {true}; // overlaps, or nearly
  auto addend = static_cast<uint64_t>(first->addend);
  if (rule.value == RelocationRule::Value::Base) return {true, StartMemory::kBase + addend};
  if (rule.value != RelocationRule::Value::Symbol) return {true};
  const PayloadImage::SymbolEntry &symbol = image_.symbols_[first->symbol];
  using Kind = PayloadImage::SymbolEntry::Kind;
  if (symbol.kind == Kind::Own) return {true, StartMemory::kBase + symbol.value + addend};
  if (symbol.kind == Kind::Absolute) return {true, symbol.value + addend};
  const UndefinedSymbol &undefined = image_.undefined[symbol.value];
  return {true, undefined.weak && isStartHook(undefined.name) ? std::optional(addend) : std::nullopt};
}

Result<void> PayloadReader::addStartFunction(std::optional<uint64_t> linkAddress,
                                             std::vector<WantedFunction> &functions) const {
  if (!linkAddress) return {};
  auto offset = map_.offsetOf(*linkAddress);
  if (!offset) return file_.corrupt("its initialiser or terminator lies outside of its segments");
  functions.push_back({*offset, *offset, false});
  return {};
}

Result<void> PayloadReader::addStartFunctions(const DynamicTable &table, const CodeMemory &memory,
                                              std::vector<WantedFunction> &functions) const {
  constexpr uint64_t kWidth = sizeof(uint64_t);
  if (table.size == 0) return {};
  if (!map_.view(table.address, table.size) || table.size % kWidth != 0)
    return file_.corrupt("its table of initialisers or terminators lies outside of its segments");
  uint64_t begin = *map_.offsetOf(table.address);
  for (uint64_t at = 0; at < table.size; at += kWidth) {
    auto function = memory.load(StartMemory::kBase + begin + at, kWidth);
    functions.push_back({function ? std::optional(*function - StartMemory::kBase) : std::nullopt, begin + at, true});
  }
  return {};
}

PayloadImage::StartFunction PayloadReader::startFunction(const WantedFunction &wanted) const {
  auto named = std::ranges::find_if(image_.exported, [&](const PayloadSymbol &symbol) {
    return symbol.isFunction && wanted.function && symbol.offset == *wanted.function;
  });
  std::string name = named != image_.exported.end() ? named->name
                     : wanted.function              ? hexAddress(*wanted.function + map_.start())
                                                    : "?";
  return {wanted.offset, wanted.isPointer, std::move(name)};
}

Result<void> PayloadReader::readStartFunctions() {
  auto isInCode = [&](const PayloadImage::Relocation &relocation) {
    return (map_.segmentOf(relocation.offset, 0)->protection & PROT_EXEC) != 0;
  };
  StartMemory memory(map_, std::ranges::any_of(image_.relocations_, isInCode),
                     [&](uint64_t offset, unsigned width) { return relocated(offset, width); });
  std::vector<WantedFunction> initialisers, terminators;
  auto added = inOrder([&] { return addStartFunction(dynamic_.init, initialisers); },
                       [&] { return addStartFunctions(dynamic_.preinitArray, memory, initialisers); },
                       [&] { return addStartFunctions(dynamic_.initArray, memory, initialisers); },
                       [&] { return addStartFunctions(dynamic_.finiArray, memory, terminators); });
  if (!added) return added;
  std::ranges::reverse(terminators);
  if (auto last = addStartFunction(dynamic_.fini, terminators); !last) return last;
  auto constructors = thatMustRun(arch_, memory, initialisers, AllowedEffects::None);
  auto destructors = thatMustRun(arch_, memory, terminators, AllowedEffects::OwnMemory);
  if (!constructors || !destructors) return file_.unsupported("has more than 4096 constructors or destructors");
  for (const WantedFunction &wanted : *constructors)
    image_.constructors.push_back(startFunction(wanted));
  for (const WantedFunction &wanted : *destructors)
    image_.destructors.push_back(startFunction(wanted));
  findExitHandle();
  auto isCxxName = [](std::string_view name) {
    return name.starts_with("_Z") || name.starts_with("__cxa_") || name.starts_with("__gxx_") ||
           name.starts_with("_Unwind_");
  };
  image_.isCxx = std::ranges::any_of(image_.exported, isCxxName, &PayloadSymbol::name) ||
                 std::ranges::any_of(image_.undefined, [&](const UndefinedSymbol &symbol) {
                   return isCxxName(symbol.name) && !isStartHook(symbol.name);
                 });
  return {};
}

// crtbeginS.o has a pointer to itself as __dso_handle; where the symbol is stripped, the relocation tells. For
// relocatable objects the symbol is made (frontend/target/relocatable.cpp).
void PayloadReader::findExitHandle() {
  if (std::ranges::find(image_.undefined, "__cxa_atexit", &UndefinedSymbol::name) == image_.undefined.end()) return;
  if (const PayloadSymbol *symbol = image_.find("__dso_handle")) {
    image_.exitHandle = symbol->offset;
    return;
  }
  for (const PayloadImage::Relocation &relocation : image_.relocations_)
    if (arch_.relocation(relocation.type)->value == RelocationRule::Value::Base &&
        relocation.offset == static_cast<uint64_t>(relocation.addend)) {
      image_.exitHandle = relocation.offset;
      return;
    }
}

// --- content ------------------------------------------------------------------------------------------------

Result<void> PayloadReader::copyContent() {
  for (const LoadSegment &load : map_.loads()) {
    if (load.bytes.empty()) continue;
    image_.parts_.push_back({load.offset, Bytes(load.bytes.begin(), load.bytes.end())});
    image_.contentSize_ = load.offset + load.bytes.size();
  }
  for (const PayloadImage::Relocation &relocation : image_.relocations_)
    image_.contentSize_ = std::max(image_.contentSize_, relocation.offset + arch_.relocation(relocation.type)->width);
  return inOrder([&] { return addIndirectFunctions(); }, [&] { return addDescriptorFunction(); });
}

// Code of ours, and zeroed writable memory, behind all else.
Result<void> PayloadReader::addCode(Bytes code, uint64_t dataSize) {
  constexpr uint64_t kPage = 4096, kMaximumImage = uint64_t{1} << 30;
  auto pages = [](uint64_t size) { return (size + kPage - 1) & ~(kPage - 1); };
  uint64_t at = image_.size, codeSize = pages(code.size());
  if (codeSize + pages(dataSize) > kMaximumImage - std::min(at, kMaximumImage))
    return file_.unsupported("needs more than 1 GiB of address space");
  image_.segments.push_back({at, codeSize, PROT_READ | PROT_EXEC});
  if (dataSize != 0) image_.segments.push_back({at + codeSize, pages(dataSize), PROT_READ | PROT_WRITE});
  image_.contentSize_ = at + code.size();
  image_.parts_.push_back({at, std::move(code)});
  image_.size = at + codeSize + pages(dataSize);
  return {};
}

Result<void> PayloadReader::addIndirectFunctions() {
  if (image_.indirect.empty()) return {};
  LPC_CHECK(image_.size == map_.size()); // as stubOf has it
  constexpr uint64_t kPage = 4096, kWord = 8;
  const uint64_t stubSize = slotJumpSize(image_.machine_), count = image_.indirect.size();
  uint64_t slots = image_.size + ((count * stubSize + kPage - 1) & ~(kPage - 1));
  Bytes code;
  for (PayloadImage::IndirectFunction &function : image_.indirect) {
    function.slot = slots;
    Bytes stub = slotJump(image_.machine_, image_.size + code.size(), slots);
    code.insert(code.end(), stub.begin(), stub.end());
    slots += kWord;
  }
  return addCode(std::move(code), count * kWord);
}

// Where a thread descriptor needs it.
Result<void> PayloadReader::addDescriptorFunction() {
  auto isDescriptor = [&](const PayloadImage::Relocation &relocation) {
    return arch_.relocation(relocation.type)->value == RelocationRule::Value::ThreadDescriptor;
  };
  if (std::ranges::none_of(image_.relocations_, isDescriptor)) return {};
  image_.descriptorFunction_ = image_.size;
  return addCode(arch_.threadDescriptorFunction(), 0);
}

} // namespace lpc::backend
