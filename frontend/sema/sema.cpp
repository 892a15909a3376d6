// The table of contents of the semantic pass. Each check is a plain function in a pair of files of its own.
#include "frontend/sema/sema.h"

#include <algorithm>

#include "frontend/sema/assemblies.h"
#include "frontend/sema/clones.h"
#include "frontend/sema/cycles.h"
#include "frontend/sema/fits.h"
#include "frontend/sema/functions.h"
#include "frontend/sema/headers.h"
#include "frontend/sema/imports.h"
#include "frontend/sema/inlined.h"
#include "frontend/sema/kept_registers.h"
#include "frontend/sema/noops.h"
#include "frontend/sema/over_code.h"
#include "frontend/sema/overlaps.h"
#include "frontend/sema/payloads.h"
#include "frontend/sema/recorded.h"
#include "frontend/sema/sites.h"
#include "frontend/sema/spelling.h"
#include "frontend/sema/types.h"
#include "frontend/sema/values.h"
#include "ir/support/cat.h"
#include "ir/support/free_memory.h"

namespace lpc::sema {
namespace {

constexpr size_t kGivenBackTogether = 10'000; // statements; each time walks over what is free

// A statement at a time: everything that can be said of it alone. What holds between statements comes after the last.
class StatementCheck {
public:
  StatementCheck(Addresses &addresses, const Assemblies &assemblies, Program &out, size_t count)
      : addresses_(addresses), assemblies_(assemblies), context_(addresses.context()), types_(context_, out),
        out_(out) {
    changes_.reserve(count); // most statements are one
  }

  void check(const ast::Statement &statement, size_t index) {
    statement_ = &statement;
    index_ = index;
    std::visit(*this, statement.what);
  }

  void operator()(const ast::PatchHeader &) {}
  void operator()(const ast::TargetHeader &) {}
  void operator()(const ast::ObjectHeader &) {}

  void operator()(const ast::New &) {
    if (const Memory &memory = addresses_.memories().of(index_); memory.usable) add(ir::Alloc{memory.id});
  }
  void operator()(const ast::Load &) {
    if (const Memory &memory = addresses_.memories().of(index_); memory.usable) add(ir::Load{memory.id});
  }
  void operator()(const ast::Dl &dl) {
    const Memory &memory = addresses_.memories().of(index_);
    if (!memory.usable) {
      for (const ast::With &with : dl.with) // has nothing to bind, but may have mistakes of its own
        addresses_.resolve(with.address, index_);
      return;
    }
    if (auto with = bindUndefined(memory, addresses_)) add(ir::Link{memory.id, std::move(*with)});
  }

  void operator()(const ast::Dlopen &) {
    if (const Memory &memory = addresses_.memories().of(index_); memory.usable) add(ir::Open{memory.id});
  }

  void operator()(const ast::Set &set) {
    // Address, value and old value are looked at whatever is wrong with the others.
    auto at = addresses_.resolve(set.at, index_);
    auto value = valueOf(set.type, set.value);
    std::optional<ir::Value> was;
    if (set.was) was = valueOf(set.type, *set.was);
    if (!at || !value || (set.was && !was)) return;
    if (set.was && !sameWidth(set, *value, *was)) return;

    Extent extent{width(*value), hasFixedWidth(set.type) ? set.typePlace : set.value.place,
                  cat("`", ast::name(set.type), "`")};
    if (set.type == ast::Type::Addr && !fitsPointer(*at, context_)) return;
    if (!fits(*at, extent, context_)) return;
    types_.checkValue(*at, set.type, extent.place, extent.width);
    checkOverCode(*at, extent, std::get_if<Bytes>(&*value), context_);

    ir::Write write{.type = std::string(ast::name(set.type)),
                    .at = at->address,
                    .value = std::move(*value),
                    .width = static_cast<uint32_t>(extent.width),
                    .recorded = {},
                    .was = std::move(was)};
    if (at->inProgramFile()) write.recorded = recordedBytes(*at->file, at->link, extent.width);
    const Bytes *stated = write.was ? std::get_if<Bytes>(&*write.was) : nullptr;
    if (write.recorded && stated != nullptr && set.was &&
        !fileHas(*at, *write.recorded, *stated, {DiagnosticId::WasMismatch, set.was->place}, context_))
      return;
    changes_.push_back({at->region, at->offset, extent.width, set.at.place, spelled(set.at)});
    add(std::move(write));
  }

  void operator()(const ast::Jmp &jmp) {
    auto from = addresses_.resolve(jmp.from, index_);
    auto to = addresses_.resolve(jmp.to, index_);
    if (auto branch = branchOf(from, to, {NewCode::Kind::Jump})) add(std::move(*branch));
  }

  void operator()(const ast::Hook &hook) {
    auto from = addresses_.resolve(hook.function, index_);
    auto to = addresses_.resolve(hook.to, index_);
    auto original = originalOf(hook);
    auto branch = branchOf(from, to, {NewCode::Kind::Hook});
    if (!branch || !original) return;
    original->replacement = functionReached(*to);
    branch->original = std::move(original);
    add(std::move(*branch));
  }

  void operator()(const ast::Asm &code) {
    const auto *place = std::get_if<ast::Address>(&code.where);
    auto at = place != nullptr ? addresses_.resolve(*place, index_) : std::nullopt;
    auto assembly = assemblies_.find(index_);
    if (assembly == assemblies_.end()) return;
    auto size = static_cast<uint32_t>(assembly->second.code.bytes.size());
    ir::Code out{.at = {}, .bytes = assembly->second.code.bytes, .references = {}, .room = size, .recorded = {}};
    std::optional<Site> site;
    if (at) site = checkSite(*at, {NewCode::Kind::Instructions, size}, addresses_.symbols(), context_);
    if (site) {
      out.at = std::move(site->from);
      out.room = site->room;
      out.recorded = std::move(site->recorded);
    } else if (place == nullptr) {
      out.at.where = ir::InMemory{addresses_.memories().of(index_).id, 0};
    }
    auto references = referencesOf(assembly->second, out.at);
    if (!references || (place != nullptr ? !site : !addresses_.memories().of(index_).usable)) return;
    out.references = std::move(*references);
    if (site) {
      changes_.push_back({at->region, site->offset, std::max(size, out.room), place->place, spelled(*place)});
      jumpSites_.push_back(changes_.back());
    } else {
      add(ir::Alloc{addresses_.memories().of(index_).id});
    }
    add(std::move(out));
  }

  void operator()(const ast::Return &statement) {
    auto at = addresses_.resolve(statement.function, index_);
    std::optional<uint64_t> value;
    if (statement.value) {
      value = registerBits(*statement.value, "a result");
      if (!value) return;
    }
    auto site = at ? checkReturn(*at, value, addresses_.symbols(), context_) : std::nullopt;
    if (!site) return;
    uint32_t overwritten = returnSize(context_.machine, value);
    changes_.push_back({at->region, site->offset, std::max(site->room, overwritten), statement.function.place,
                        spelled(statement.function)});
    jumpSites_.push_back(changes_.back());
    noteReplaced(*at, *site, std::nullopt, value.has_value());
    add(ir::Return{.at = site->from,
                   .room = site->room,
                   .value = value,
                   .recorded = std::move(site->recorded),
                   .function = std::move(site->function)});
  }

  void operator()(const ast::Nop &nop) {
    auto at = addresses_.resolve(nop.at, index_);
    auto noOps = at ? checkNoOps(*at, nop.size, addresses_.symbols(), context_) : std::nullopt;
    if (!noOps) return;
    changes_.push_back({at->region, at->offset, noOps->size, nop.at.place, spelled(nop.at)});
    jumpSites_.push_back(changes_.back());
    add(ir::Nop{.at = at->address, .size = noOps->size, .recorded = std::move(noOps->recorded)});
  }

  void operator()(const ast::Got &got) {
    auto found = findImport(got, context_);
    auto to = addresses_.resolve(got.to, index_);
    if (!found || !to) return;
    bool function = std::ranges::any_of(found->slots, &target::ElfFile::ImportSlot::function);
    if (function && !checkDestination(*to, context_)) return;
    for (const auto &slot : found->slots) {
      auto at = addresses_.inFile(got.to, found->object, slot.address);
      if (!at) return;
      changes_.push_back(
          {at->region, at->offset, pointerSize(context_.machine), got.symbol.place, cat(spelled(got.symbol), "@got")});
      add(ir::Import{.symbol = got.symbol.text, .slot = at->address, .to = to->address, .function = slot.function});
    }
  }

  void operator()(const ast::Expect &expect) {
    auto at = addresses_.resolve(expect.at, index_);
    auto value = valueOf(expect.type, expect.value);
    if (!at || !value || isOfThePatch(*at)) return;
    Extent extent{width(*value), hasFixedWidth(expect.type) ? expect.typePlace : expect.value.place,
                  cat("`", ast::name(expect.type), "`")};
    if (expect.type == ast::Type::Addr && !fitsPointer(*at, context_)) return;
    if (!fits(*at, extent, context_)) return;
    const Bytes *stated = std::get_if<Bytes>(&*value);
    if (stated != nullptr && at->inProgramFile())
      if (auto recorded = recordedBytes(*at->file, at->link, extent.width);
          recorded && !fileHas(*at, *recorded, *stated, {DiagnosticId::ExpectMismatch, expect.value.place}, context_))
        return;
    add(ir::Expect{.type = std::string(ast::name(expect.type)),
                   .at = at->address,
                   .value = std::move(*value),
                   .width = static_cast<uint32_t>(extent.width)});
  }

  void operator()(const ast::Quiesce &quiesce) {
    for (const ast::Address &address : quiesce.functions)
      if (auto at = addresses_.resolve(address, index_))
        if (auto function = checkQuiet(*at, context_))
          add(ir::Quiesce{.at = at->address, .function = std::move(*function)});
  }

  void operator()(const ast::On &on) {
    auto function = addresses_.resolve(on.function, index_);
    std::vector<uint64_t> arguments;
    for (const ast::Integer &argument : on.arguments)
      if (auto value = registerBits(argument, "an argument")) arguments.push_back(*value);
    if (on.arguments.size() > ir::kMostCallArguments)
      context_.report(
          DiagnosticId::TooManyArguments, on.arguments[ir::kMostCallArguments].place,
          cat("`call` passes up to ", ir::kMostCallArguments, " integers, and here are ", on.arguments.size()));
    if (!function || isResolver(*function) || !checkDestination(*function, context_) ||
        arguments.size() != on.arguments.size() || arguments.size() > ir::kMostCallArguments)
      return;
    add(ir::Call{.moment = on.moment, .function = function->address, .arguments = std::move(arguments)});
  }

  void operator()(const ast::Let &let) { addresses_.name(let, index_); }

  // What holds between statements.
  void finish() {
    checkOverlaps(std::move(changes_), context_);
    checkDestinations(std::move(jumpSites_), destinations_, context_);
    checkCycles(jumps_, context_);
    checkInlined(replaced_, context_);
    checkKeptRegisters(replaced_, context_);
    auto parts = checkClones(replaced_, context_);
    if (parts.empty()) return;
    std::vector<ir::Operation> merged; // each part behind the operation that replaces its function
    merged.reserve(out_.statements.size() + parts.size());
    auto part = parts.begin();
    for (size_t i = 0; i < out_.statements.size(); i++) {
      merged.push_back(std::move(out_.statements[i]));
      for (; part != parts.end() && part->operation == i; ++part)
        merged.push_back({std::move(part->quiesce), merged.back().place});
    }
    out_.statements = std::move(merged);
  }

private:
  void add(ir::Action action) { out_.statements.push_back({std::move(action), statement_->place}); }

  // Called before the operation is added.
  void noteReplaced(const Spot &spot, const Site &site, std::optional<Spot> replacement, bool setsResult) {
    if (site.isEntry && spot.symbol != nullptr)
      replaced_.push_back({.object = spot.object,
                           .symbol = *spot.symbol,
                           .at = spot.address,
                           .place = spot.place(),
                           .operation = out_.statements.size(),
                           .livesOn = !site.function.has_value(),
                           .replacement = std::move(replacement),
                           .setsResult = setsResult});
  }

  std::optional<ir::Value> valueOf(ast::Type type, const ast::Value &value) {
    if (type == ast::Type::Addr) {
      auto spot = addresses_.resolve(*ast::boxed<ast::Address>(value.data), index_);
      return spot ? std::optional<ir::Value>(std::move(spot->address)) : std::nullopt;
    }
    auto bytes = encode(type, value, context_);
    return bytes ? std::optional<ir::Value>(std::move(*bytes)) : std::nullopt;
  }

  // The bits of a register; `what` goes through it.
  std::optional<uint64_t> registerBits(const ast::Integer &value, std::string_view what) {
    unsigned bits = 8 * pointerSize(context_.machine);
    uint64_t highest = bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
    if (value.magnitude <= (value.negative ? uint64_t{1} << (bits - 1) : highest))
      return (value.negative ? 0 - value.magnitude : value.magnitude) & highest;
    context_.report(DiagnosticId::IntegerOutOfRange, value.place,
                    cat("`", value.spelling, "` does not fit ", what, ", which has ", bits, " bits"));
    return std::nullopt;
  }

  bool isOfThePatch(const Spot &at) {
    if (at.memory == nullptr) return false;
    context_.report(DiagnosticId::BadAddress, at.place(),
                    cat("`", spelled(*at.written), "` is in memory that this patch makes: it is not there before"));
    return true;
  }

  [[nodiscard]] uint64_t width(const ir::Value &value) const {
    const auto *bytes = std::get_if<Bytes>(&value);
    return bytes != nullptr ? bytes->size() : pointerSize(context_.machine);
  }

  bool sameWidth(const ast::Set &set, const ir::Value &value, const ir::Value &was) {
    if (width(value) == width(was)) return true;
    context_.report(DiagnosticId::WasLength, set.was->place,
                    cat("`was` has ", width(was), " bytes, and the new value ", width(value),
                        ": it states what the new value replaces"));
    return false;
  }

  std::optional<ir::Branch> branchOf(const std::optional<Spot> &from, const std::optional<Spot> &to, NewCode code) {
    auto site = from ? checkSite(*from, code, addresses_.symbols(), context_) : std::nullopt;
    bool goesToCode = to && checkDestination(*to, context_);
    if (!site || !goesToCode || goesToItself(*from, *to, *site)) return std::nullopt;

    const ast::Address &written = *from->written;
    uint32_t overwritten = site->room != 0 ? site->room : nearJumpSize(context_.machine);
    changes_.push_back({from->region, site->offset, overwritten, written.place, spelled(written)});
    jumpSites_.push_back(changes_.back());
    destinations_.push_back({to->region, to->offset, to->place(), spelled(*to->written)});
    jumps_.push_back(
        {from->region, from->offset, site->offset, to->region, to->offset, written.place, spelled(written)});
    if (site->isEntry) types_.checkReplacement(*from, *to);
    noteReplaced(*from, *site, *to, false);
    return ir::Branch{.from = site->from,
                      .to = to->address,
                      .room = site->room,
                      .recorded = std::move(site->recorded),
                      .function = std::move(site->function),
                      .original = {}};
  }

  std::optional<std::vector<ir::Reference>> referencesOf(const Assembly &assembly, const ir::Address &self) {
    std::vector<ir::Reference> out;
    bool good = true;
    for (size_t i = 0; i < assembly.targets.size(); i++) {
      const AssembledReference &reference = assembly.code.references[i];
      std::optional<Spot> target;
      if (assembly.targets[i]) target = addresses_.resolve(*assembly.targets[i], index_);
      good = good && (target || !assembly.targets[i]) && !(target && isResolver(*target));
      out.push_back({reference.kind, reference.offset, target ? target->address : self, reference.addend});
    }
    return good ? std::optional(std::move(out)) : std::nullopt;
  }

  // The address of an IFUNC symbol is that of code that returns the function's.
  bool isResolver(const Spot &target) {
    if (target.symbol == nullptr || target.symbol->kind != target::SymbolKind::Ifunc) return false;
    context_
        .report(DiagnosticId::IfuncSymbol, target.place(),
                cat("`", spelled(*target.written), "` is the resolver of an IFUNC, and not the function"))
        .help = "call it from a payload of `dl`, which finds the function";
    return true;
  }

  // The pointer of a `hook`.
  std::optional<ir::Original> originalOf(const ast::Hook &hook) {
    auto at = addresses_.resolve(*hook.original, index_);
    uint64_t pointer = pointerSize(context_.machine);
    if (!at || !fitsPointer(*at, context_) || !fits(*at, {pointer, hook.original->place, "a pointer"}, context_))
      return std::nullopt;
    types_.checkValue(*at, ast::Type::Addr, hook.original->place, pointer);
    changes_.push_back({at->region, at->offset, pointer, hook.original->place, spelled(*hook.original)});
    ir::Original original{.at = at->address, .recorded = {}, .replacement = {}};
    if (at->inProgramFile()) original.recorded = recordedBytes(*at->file, at->link, pointer);
    return original;
  }

  std::optional<ir::Function> functionReached(const Spot &to) {
    if (!to.inProgramFile() || !context_.decoder) return std::nullopt;
    auto function = functionAt(to, context_);
    if (!function || function->name.empty() || function->begin == function->end) return std::nullopt;
    return ir::Function{function->name, function->begin, function->end - function->begin};
  }

  bool goesToItself(const Spot &from, const Spot &to, const Site &site) {
    uint64_t end = site.offset + std::max<uint32_t>(site.room, 1);
    if (from.region != to.region || to.offset < from.offset || to.offset >= end) return false;
    context_.report(DiagnosticId::JumpToItself, to.place(),
                    to.offset == from.offset ? cat("the jump at `", spelled(*from.written), "` leads to itself")
                                             : cat("`", spelled(*to.written), "` is inside the ", end - from.offset,
                                                   " bytes that this jump stands in"));
    return true;
  }

  Addresses &addresses_;
  const Assemblies &assemblies_;
  Context &context_;
  Types types_;
  Program &out_;
  const ast::Statement *statement_ = nullptr;
  size_t index_ = 0;
  std::vector<Change> changes_, jumpSites_;
  std::vector<Destination> destinations_;
  std::vector<Jump> jumps_;
  std::vector<Replaced> replaced_;
};

} // namespace

Program check(ast::File file, target::Objects &objects, const Options &options, Diagnostics &diagnostics) {
  Program program{.name = options.defaultName,
                  .version = "",
                  .source = options.source,
                  .objects = {},
                  .payloads = {},
                  .memories = {},
                  .statements = {}};
  Context context{.objects = objects, .options = options, .diagnostics = diagnostics};

  // Which program, which build, which machine: what all else is looked up in.
  checkHeaders(file, context, program);
  const target::ObjectSource &source = objects.source(0);
  program.objects.push_back({source.name, context.program ? context.program->soname() : "", source.shown,
                             context.program ? context.program->buildId() : Bytes{}});

  // The memory that the patch makes, and the files that fill it: what they refer to belongs to the names that are
  // wanted.
  Assemblies assemblies = assembleBlocks(file, context);
  Memories memories = defineMemories(file, assemblies, context, program);

  // Every name of every statement, in one scan of each object.
  Symbols symbols(file, assemblies, memories, context);

  // Each statement by itself: addresses, values, bounds, code sites, recorded bytes …
  Addresses addresses(context, memories, symbols, program);
  program.statements.reserve(file.statements.size());
  StatementCheck statements(addresses, assemblies, program, file.statements.size());
  size_t index = 0;
  for (auto statement = file.statements.begin(); statement != file.statements.end(); index++) {
    statements.check(*statement, index);
    // What has a name is referred to until the end.
    statement = memories.byStatement.contains(index) ? std::next(statement) : file.statements.erase(statement);
    if (index % kGivenBackTogether == kGivenBackTogether - 1) giveBackFreeMemory();
  }

  // … and then all of them together: overlaps, and jumps that lead into or back to each other.
  statements.finish();

  for (Diagnostic &warning : objects.takeWarnings())
    diagnostics.add(std::move(warning));
  return program;
}

} // namespace lpc::sema
