// Resolving addresses.
//
// An absolute address inside a program that is not position independent is an address of that program: link addresses
// are addresses there, and as one it gets all the proofs that a symbol gets.
#include "frontend/sema/addresses.h"

#include "frontend/sema/fits.h"
#include "frontend/sema/lookup.h"
#include "frontend/sema/spelling.h"
#include "frontend/sema/suggest.h"
#include "ir/support/cat.h"
#include "ir/verify.h"

namespace lpc::sema {
namespace {

constexpr uint16_t kEtExec = 2; // gABI, e_type

// The sum of the displacements. IntegerOutOfRange.
std::optional<int64_t> addendOf(const ast::Address &address, Context &context) {
  int64_t sum = 0;
  for (const ast::Displacement &d : address.displacements) {
    bool minus = d.minus != d.value.negative;
    int64_t step = 0;
    bool bad = d.value.magnitude > INT64_MAX;
    if (!bad) step = static_cast<int64_t>(d.value.magnitude);
    bad = bad || (minus ? __builtin_sub_overflow(sum, step, &sum) : __builtin_add_overflow(sum, step, &sum));
    if (!bad) continue;
    context.report(
        DiagnosticId::IntegerOutOfRange, d.value.place,
        cat("`", d.value.spelling, "` is more than half of the address space: no displacement is that large"));
    return std::nullopt;
  }
  return sum;
}

// Something of the object stands at the address or ends there: the address of an array's end is a good value too.
bool mapped(const target::ElfFile &file, LinkAddress address) {
  return file.segmentAt(address) != nullptr || (address.value != 0 && file.segmentAt(address - 1) != nullptr);
}

std::optional<int64_t> labelOf(const Memory &memory, const ast::Name &name, Context &context) {
  std::vector<std::string> known;
  for (const AssembledLabel &label : memory.assembly->code.labels) {
    if (label.name == name.text) return static_cast<int64_t>(label.offset);
    known.push_back(label.name);
  }
  context
      .report(DiagnosticId::UnknownSymbol, name.place,
              cat("the block of `$", memory.name->text, "` has no label `", name.text, "`"))
      .help = didYouMean(nearest(name.text, known));
  return std::nullopt;
}

std::optional<int64_t> asDisplacement(const ast::Integer &value) {
  if (value.magnitude > INT64_MAX) return std::nullopt;
  auto magnitude = static_cast<int64_t>(value.magnitude);
  return value.negative ? -magnitude : magnitude;
}

} // namespace

std::optional<Spot> Addresses::resolve(const ast::Address &address, size_t statement) {
  if (tooDeep(address, statement)) return std::nullopt;
  auto addend = addendOf(address, context_);
  if (!addend) return std::nullopt;
  return resolveBase(address, address.base, *addend, statement);
}

const Addresses::Named *Addresses::letBehind(const Base &base, size_t statement) const {
  const auto *name = ast::boxed<ast::MemoryAddress>(base);
  const Memory *memory = name != nullptr ? memories_.named(name->memory.text) : nullptr;
  if (memory == nullptr || memory->statement >= statement) return nullptr;
  auto known = lets_.find(memory);
  return known == lets_.end() ? nullptr : &known->second;
}

unsigned Addresses::depthOf(const ast::Address &address, size_t statement) const {
  unsigned depth = 0;
  const ast::Address *at = &address;
  for (; const auto *loaded = std::get_if<ast::LoadedAddress>(&at->base); at = loaded->pointer.get())
    depth++;
  const Named *let = letBehind(at->base, statement);
  return let == nullptr ? depth : depth + let->depth;
}

// More pointers to pointers than the IR has (ir::kMaxLoadDepth).
bool Addresses::tooDeep(const ast::Address &address, size_t statement) {
  unsigned depth = depthOf(address, statement);
  if (depth <= ir::kMaxLoadDepth) return false;
  context_.report(
      DiagnosticId::SyntaxError, address.place,
      cat("this address follows ", depth, " pointers one after the other, and ", ir::kMaxLoadDepth, " is the most"));
  return true;
}

void Addresses::name(const ast::Let &let, size_t statement) {
  const Memory &memory = memories_.of(statement);
  if (!resolve(let.address, statement) || !memory.usable) return;
  auto addend = addendOf(let.address, context_);
  if (!addend) return;
  Named named{&let.address.base, *addend, statement, depthOf(let.address, statement)};
  if (const Named *behind = letBehind(let.address.base, statement)) {
    const auto &base = *ast::boxed<ast::MemoryAddress>(let.address.base);
    const auto *member = std::get_if<ast::Integer>(&base.member);
    int64_t more = member != nullptr ? asDisplacement(*member).value_or(0) : 0;
    named.base = behind->base;
    named.statement = behind->statement;
    // The sums don't overflow: resolve() has made them.
    named.addend += more + behind->addend;
  }
  lets_.emplace(&memory, named);
}

std::optional<Spot> Addresses::named(const ast::Address &address, const ast::MemoryAddress &base, int64_t addend,
                                     const Memory &let) {
  auto known = lets_.find(&let);
  if (known == lets_.end()) return std::nullopt; // its statement has an error, which was reported
  const Named &named = known->second;
  if (const auto *symbol = std::get_if<ast::Name>(&base.member)) {
    context_.report(DiagnosticId::NoMemorySymbols, symbol->place,
                    cat("`$", let.name->text, "` has no symbols: it is an address that `let` named"));
    return std::nullopt;
  }
  std::optional<int64_t> more = 0;
  if (const auto *integer = std::get_if<ast::Integer>(&base.member)) more = asDisplacement(*integer);
  int64_t sum = 0;
  if (!more || __builtin_add_overflow(*more, addend, &sum) || __builtin_add_overflow(sum, named.addend, &sum))
    return outside(address, "leaves the address space");
  return resolveBase(address, *named.base, sum, named.statement);
}

std::optional<Spot> Addresses::resolveBase(const ast::Address &address, const Base &base, int64_t addend,
                                           size_t statement) {
  struct Visitor {
    Addresses &self;
    const ast::Address &address;
    int64_t addend;
    size_t statement;
    std::optional<Spot> operator()(const ast::SymbolAddress &base) const { return self.symbol(address, base, addend); }
    std::optional<Spot> operator()(const ast::AbsoluteAddress &base) const {
      return self.absolute(address, base, addend);
    }
    std::optional<Spot> operator()(const ast::ObjectAddress &base) const { return self.object(address, base, addend); }
    std::optional<Spot> operator()(const ast::MemoryAddress &base) const {
      return self.memory(address, base, addend, statement);
    }
    std::optional<Spot> operator()(const ast::LoadedAddress &base) const {
      return self.loaded(address, base, addend, statement);
    }
  };
  return std::visit(Visitor{*this, address, addend, statement}, base);
}

std::optional<Spot> Addresses::outside(const ast::Address &address, const std::string &why) {
  context_.report(DiagnosticId::NotMapped, address.place, cat("`", spelled(address), "` ", why));
  return std::nullopt;
}

ir::ObjectId Addresses::idOf(size_t object, const target::ElfFile &file) {
  auto [known, fresh] = ids_.try_emplace(object, ir::ObjectId{});
  if (!fresh) return known->second;
  if (object == 0) return known->second; // the program is always objects[0]
  known->second = static_cast<ir::ObjectId>(out_.objects.size());
  const target::ObjectSource &source = context_.objects.source(object);
  out_.objects.push_back({source.name, file.soname(), source.shown, file.buildId()});
  return known->second;
}

std::optional<Spot> Addresses::inObject(Spot spot, size_t object, const std::shared_ptr<const target::ElfFile> &file,
                                        LinkAddress base) {
  auto link = base.plus(spot.addend);
  spot.owner = shown(context_, object);
  spot.object = object;
  if (!link) return outside(*spot.written, "leaves the address space");
  // A symbol is taken at its word; with a displacement, or as a number, the address has to be somewhere.
  if ((spot.symbol == nullptr || spot.addend != 0) && !mapped(*file, *link))
    return outside(*spot.written, cat("is ", hexAddress(*link), ", where `", spot.owner, "` has nothing"));
  spot.file = file.get();
  spot.link = *link;
  ir::ObjectId id = idOf(object, *file);
  spot.region = {RegionKind::Object, static_cast<uint32_t>(id)};
  spot.offset = link->value;
  spot.address.where = ir::InObject{id, *link, spot.symbol != nullptr ? spot.symbol->name : "",
                                    spot.symbol != nullptr ? spot.addend : 0};
  return spot;
}

std::optional<Spot> Addresses::symbol(const ast::Address &address, const ast::SymbolAddress &base, int64_t addend) {
  auto found = findSymbol(base, symbols_, context_);
  if (!found) return std::nullopt;
  Spot spot{.written = &address, .symbol = found->symbol, .addend = addend};
  if (found->symbol->absolute) { // SHN_ABS: a number, which no load bias moves
    auto value = RemoteAddress{found->symbol->address.value}.plus(addend);
    if (!value) return outside(address, "leaves the address space");
    spot.symbol = nullptr;
    spot.offset = value->value;
    spot.address.where = ir::Absolute{*value};
    return spot;
  }
  auto file = context_.objects.file(found->object);
  LPC_CHECK(file.has_value()); // a symbol was found in it
  return inObject(std::move(spot), found->object, *file, found->symbol->address);
}

std::optional<Spot> Addresses::absolute(const ast::Address &address, const ast::AbsoluteAddress &base, int64_t addend) {
  if (base.value.negative) {
    context_.report(DiagnosticId::IntegerOutOfRange, base.value.place,
                    cat("`", base.value.spelling, "` is negative, and an address is not"));
    return std::nullopt;
  }
  auto value = RemoteAddress{base.value.magnitude}.plus(addend);
  if (!value) return outside(address, "leaves the address space");
  Spot spot{.written = &address, .addend = addend};
  LinkAddress link{value->value};
  if (context_.program && context_.program->elfType() == kEtExec && context_.program->segmentAt(link) != nullptr) {
    spot.addend = 0;
    return inObject(std::move(spot), 0, context_.program, link);
  }
  spot.offset = value->value;
  spot.address.where = ir::Absolute{*value};
  return spot;
}

std::optional<Spot> Addresses::object(const ast::Address &address, const ast::ObjectAddress &base, int64_t addend) {
  auto object = namedObject(base.object, context_);
  if (!object) return std::nullopt;
  if (base.value.negative) {
    context_.report(DiagnosticId::IntegerOutOfRange, base.value.place,
                    cat("`", base.value.spelling, "` is negative, and a link-time address is not"));
    return std::nullopt;
  }
  auto file = fileOf(*object, base.object.place, context_);
  if (file == nullptr) return std::nullopt;
  return inObject({.written = &address, .addend = addend}, *object, file, LinkAddress{base.value.magnitude});
}

std::optional<Spot> Addresses::memory(const ast::Address &address, const ast::MemoryAddress &base, int64_t addend,
                                      size_t statement) {
  const Memory *memory = memories_.named(base.memory.text);
  if (memory == nullptr || memory->statement >= statement) {
    Place name = base.memory.place;
    name.column -= name.column > 1 ? 1 : 0; // with its $
    Diagnostic &d = context_.report(DiagnosticId::UnknownMemory, name,
                                    cat("`$", base.memory.text, "` is not defined above this line"));
    if (memory != nullptr) {
      d.notes.push_back({memory->statement == statement ? "it is defined by this very statement" : "it is defined here",
                         memory->name->place});
      return std::nullopt;
    }
    std::vector<std::string> known;
    for (const Memory &each : memories_.all)
      if (each.statement < statement) known.push_back("$" + each.name->text);
    d.help = didYouMean(nearest("$" + base.memory.text, known));
    return std::nullopt;
  }
  if (!memory->usable) return std::nullopt;
  if (memory->kind == MemoryKind::Let) return named(address, base, addend, *memory);
  Spot spot{.written = &address,
            .region = {RegionKind::Memory, static_cast<uint32_t>(memory->id)},
            .addend = addend,
            .memory = memory};
  int64_t offset = addend;
  if (const auto *name = std::get_if<ast::Name>(&base.member)) {
    if (memory->assembly == nullptr) return inPayload(std::move(spot), *name);
    auto label = labelOf(*memory, *name, context_);
    if (!label) return std::nullopt;
    if (__builtin_add_overflow(*label, addend, &offset)) offset = -1;
  }
  if (const auto *integer = std::get_if<ast::Integer>(&base.member)) {
    auto start = asDisplacement(*integer);
    if (!start || __builtin_add_overflow(*start, addend, &offset)) offset = -1;
  }
  if (offset < 0 || static_cast<uint64_t>(offset) > memory->size) {
    context_.report(DiagnosticId::PastMemoryEnd, address.place,
                    cat("`", spelled(address), "` lies outside of `$", memory->name->text, "`, which has ",
                        memory->size, " bytes"));
    return std::nullopt;
  }
  spot.addend = 0;
  spot.offset = static_cast<uint64_t>(offset);
  spot.address.where = ir::InMemory{memory->id, spot.offset};
  if (memory->payload) {
    spot.file = memory->payload.get();
    spot.link = memory->base + spot.offset;
    spot.owner = memory->file->text;
  }
  return spot;
}

std::optional<Spot> Addresses::inPayload(Spot spot, const ast::Name &name) {
  const Memory &memory = *spot.memory;
  if (!memory.payload) {
    context_.report(DiagnosticId::NoMemorySymbols, name.place,
                    cat("`$", memory.name->text, "` has no symbols: it was not made by `dl` or `dlopen`"));
    return std::nullopt;
  }
  spot.symbol = findInPayload(name, memory, symbols_, context_);
  if (spot.symbol == nullptr) return std::nullopt;
  if (spot.symbol->kind == target::SymbolKind::Ifunc && spot.addend != 0) {
    context_
        .report(DiagnosticId::IfuncSymbol, spot.place(),
                cat("`", spelled(*spot.written), "` lies inside of an IFUNC of `", memory.dl->file.text,
                    "`, which has no code of its own"))
        .help = "name the implementation that is meant";
    return std::nullopt;
  }
  auto link = spot.symbol->address.plus(spot.addend);
  if (!link || *link < memory.base || *link - memory.base > memory.size) {
    context_.report(DiagnosticId::PastMemoryEnd, spot.place(),
                    cat("`", spelled(*spot.written), "` lies outside of `", memory.file->text, "`"));
    return std::nullopt;
  }
  spot.file = memory.payload.get();
  spot.link = *link;
  spot.owner = memory.file->text;
  spot.offset = *link - memory.base;
  const target::Symbol &symbol = *spot.symbol;
  spot.address.where = ir::InPayload{
      memory.id, symbol.defaultVersion ? symbol.name : cat(symbol.name, "@", symbol.version), spot.addend};
  return spot;
}

std::optional<Spot> Addresses::loaded(const ast::Address &address, const ast::LoadedAddress &base, int64_t addend,
                                      size_t statement) {
  auto pointer = resolve(*base.pointer, statement);
  if (!pointer) return std::nullopt;
  if (pointer->memory != nullptr) {
    Diagnostic &d = context_.report(
        DiagnosticId::BadAddress, base.pointer->place,
        cat("`", spelled(*base.pointer),
            "` is in memory that this patch makes: no pointer stands there yet when it is to be followed"));
    d.help = "name what it will point to";
    return std::nullopt;
  }
  if (!fits(*pointer, {pointerSize(context_.machine), base.pointer->place, "a pointer"}, context_)) return std::nullopt;
  Spot spot{.written = &address, .addend = addend};
  std::string key = cat(static_cast<unsigned>(pointer->region.kind), ":", pointer->region.index, ":", pointer->offset);
  auto [known, fresh] = pointers_.try_emplace(key, static_cast<uint32_t>(pointers_.size()));
  spot.region = {RegionKind::Loaded, known->second};
  spot.offset = static_cast<uint64_t>(addend) ^ (uint64_t{1} << 63); // in the order of the signed numbers
  spot.address.where = ir::Loaded{std::make_shared<const ir::Address>(std::move(pointer->address)), addend};
  return spot;
}

std::optional<Spot> Addresses::inFile(const ast::Address &written, size_t object, LinkAddress address) {
  auto file = context_.objects.file(object);
  LPC_CHECK(file.has_value()); // the address was found in it
  return inObject({.written = &written}, object, *file, address);
}

ir::Address Addresses::ofProgram(const target::Symbol &symbol) {
  if (symbol.absolute) return {ir::Absolute{RemoteAddress{symbol.address.value}}};
  return {ir::InObject{ir::ObjectId{}, symbol.address, symbol.name, 0}};
}

} // namespace lpc::sema
