// Planning: a patch meets a process.
//
// The order is forced by what each step needs to know. Objects are matched first, for they say whether this is the
// right process at all. Payloads are read and their undefined symbols bound before memory is placed, because stubs for
// indirect functions need room. Only then are there addresses to link to and bytes to write. Nothing here stops or
// changes the process; whatever the plan takes from it (bytes, pointers) is compared again when it stands still
// (verify.cpp).
#include "backend/plan.h"

#include <sys/mman.h>

#include <algorithm>

#include "backend/arch/arch.h"
#include "backend/arch/ifunc_stub.h"
#include "backend/bind.h"
#include "backend/detours.h"
#include "backend/digest.h"
#include "backend/layout.h"
#include "backend/match.h"
#include "backend/originals.h"
#include "backend/plan_start.h"
#include "backend/references.h"
#include "backend/resolve.h"
#include "backend/site.h"
#include "backend/store.h"
#include "ir/support/cat.h"
#include "ir/verify.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kPage = 4096;

uint64_t pages(uint64_t size) { return (size + kPage - 1) & ~(kPage - 1); }

constexpr uint64_t kAnywhere = UINT64_MAX;

bool jumpsFrom(const ir::Patch &patch) {
  return std::ranges::any_of(patch.operations, [](const ir::Operation &operation) {
    return std::holds_alternative<ir::Branch>(operation.action) || std::holds_alternative<ir::Code>(operation.action);
  });
}

int protectionOf(ir::Permission permission) {
  switch (permission) {
  case ir::Permission::R: return PROT_READ;
  case ir::Permission::RW: return PROT_READ | PROT_WRITE;
  case ir::Permission::RX: return PROT_READ | PROT_EXEC;
  case ir::Permission::RWX: return PROT_READ | PROT_WRITE | PROT_EXEC;
  }
  return PROT_NONE;
}

std::unexpected<Error> placed(Error error, const Place &place) {
  if (!error.place.known()) error.place = place;
  return std::unexpected(std::move(error));
}

class Planner {
public:
  Planner(const ir::Patch &patch, const runtime::Process &process, const Snapshot &snapshot, unsigned attempt)
      : patch_(patch), process_(process), snapshot_(snapshot), arch_(Arch::of(patch.machine)), maps_(snapshot.maps),
        attempt_(attempt) {}

  Result<Plan> make() {
    plan_ = {patch_.name, patch_.version, patch_.source, patch_.machine, digestOf(patch_), {}, {}, {}, {}};
    using Step = Result<void> (Planner::*)();
    for (Step step : {&Planner::match, &Planner::readPayloads, &Planner::bindSymbols, &Planner::placeMemory,
                      &Planner::fillMemory, &Planner::planChanges, &Planner::placeFarJumps, &Planner::placeHooks,
                      &Planner::findOverlaps, &Planner::planPayloadStarts})
      if (auto done = (this->*step)(); !done) return std::unexpected(std::move(done.error()));
    plan_.pointers = resolver_->pointers();
    findOneStore();
    return std::move(plan_);
  }

private:
  Result<void> match() {
    auto matched = matchObjects(patch_, process_, snapshot_);
    if (!matched) return std::unexpected(std::move(matched.error()));
    modules_ = std::move(*matched);
    return {};
  }

  Result<void> readPayloads() {
    for (const ir::Operation &operation : patch_.operations) {
      const auto *link = std::get_if<ir::Link>(&operation.action);
      if (!link) continue;
      const ir::Payload &payload = patch_.payloads[static_cast<size_t>(*memory(link->memory).payload)];
      auto image = PayloadImage::read(payload.bytes, payload.name, patch_.machine);
      if (!image) return placed(std::move(image.error()), operation.place);
      images_.emplace(link->memory, std::move(*image));
    }
    return {};
  }

  Result<void> bindSymbols() {
    auto bound = bindPayloads(patch_, images_, process_, snapshot_, modules_);
    if (!bound) return std::unexpected(std::move(bound.error()));
    bindings_ = std::move(*bound);
    for (const auto &[memoryId, symbols] : bindings_)
      for (const auto &[name, symbol] : symbols)
        if (const auto *ifunc = std::get_if<IfuncResolver>(&symbol)) ifuncs_.emplace(ifunc->function, ifuncs_.size());
    return {};
  }

  // The hull of the jump sites of the first jumped-from module; jumps from elsewhere get detours where they need them.
  RemoteRange nearRange() {
    std::optional<RemoteRange> hull;
    const runtime::Module *module = nullptr;
    Resolver early(patch_, process_, snapshot_, modules_, bases_, images_);
    for (const ir::Operation &operation : patch_.operations) {
      const ir::Address *at = nullptr;
      if (const auto *branch = std::get_if<ir::Branch>(&operation.action)) at = &branch->from;
      if (const auto *code = std::get_if<ir::Code>(&operation.action)) at = &code->at;
      bool known =
          at && (std::holds_alternative<ir::InObject>(at->where) || std::holds_alternative<ir::Absolute>(at->where));
      if (!known) continue;
      RemoteAddress site = early(*at, operation.place).value_or(RemoteAddress{});
      const runtime::Module *owner = runtime::moduleAt(snapshot_.modules, site);
      if (!hull)
        hull = RemoteRange{site, site + 1}, module = owner;
      else if (owner == module)
        hull = RemoteRange{std::min(hull->begin, site), std::max(hull->end, site + 1)};
    }
    return hull.value_or(snapshot_.modules[modules_[0]].range);
  }

  Result<void> placeMemory() {
    std::vector<Room> rooms;
    for (size_t i = 0; i < patch_.memories.size(); i++) {
      auto image = images_.find(static_cast<ir::MemoryId>(i));
      if (image == images_.end())
        rooms.push_back({patch_.memories[i].size, kPage});
      else
        rooms.push_back({image->second.size, std::max<uint64_t>(image->second.alignment, kPage)});
    }
    if (!ifuncs_.empty())
      rooms.push_back({ifuncCodeSize() + pages(ifuncs_.size() * pointerSize(patch_.machine)), kPage});
    if (!rooms.empty()) {
      RemoteRange near = nearRange();
      auto arena = findArena(maps_, near, arch_.reach(), rooms, attempt_);
      // Without code to jump from, a payload may be anywhere; whether its own references reach, linking tells.
      if (!arena && !jumpsFrom(patch_)) arena = findArena(maps_, near, kAnywhere, rooms, attempt_);
      if (!arena) return std::unexpected(std::move(arena.error()));
      plan_.mappings.push_back(arena->mapping);
      bases_ = std::move(arena->addresses);
      if (!ifuncs_.empty()) ifuncBase_ = bases_.back(), bases_.pop_back();
    }
    resolver_.emplace(patch_, process_, snapshot_, modules_, bases_, images_);
    return {};
  }

  Result<void> fillMemory() {
    for (const ir::Operation &operation : patch_.operations) {
      if (const auto *alloc = std::get_if<ir::Alloc>(&operation.action)) addMemory(alloc->memory, {});
      if (const auto *load = std::get_if<ir::Load>(&operation.action))
        addMemory(load->memory, patch_.payloads[static_cast<size_t>(*memory(load->memory).payload)].bytes);
      if (const auto *link = std::get_if<ir::Link>(&operation.action))
        if (auto linked = addLinked(*link, operation.place); !linked) return linked;
    }
    if (!ifuncs_.empty()) addIfuncs();
    return {};
  }

  const ir::Memory &memory(ir::MemoryId id) const { return patch_.memories[static_cast<size_t>(id)]; }

  void addMemory(ir::MemoryId id, Bytes content) {
    const ir::Memory &wanted = memory(id);
    planned_[id] = plan_.memories.size();
    plan_.memories.push_back({wanted.name,
                              id,
                              bases_[static_cast<size_t>(id)],
                              wanted.size,
                              {{0, pages(wanted.size), protectionOf(wanted.permission)}},
                              std::move(content)});
  }

  Result<void> addLinked(const ir::Link &link, const Place &place) {
    const PayloadImage &image = images_.at(link.memory);
    const auto &bound = bindings_[link.memory];
    auto content = image.place(
        bases_[static_cast<size_t>(link.memory)],
        [&](const UndefinedSymbol &symbol) -> Result<RemoteAddress> {
          return std::visit([&](const auto &target) { return addressOf(target, place); }, bound.at(symbol.name));
        },
        [&](const UndefinedSymbol &symbol) -> Result<ThreadLocalPlace> {
          return std::get<ThreadLocalPlace>(bound.at(symbol.name));
        });
    if (!content) return placed(std::move(content.error()), place);
    planned_[link.memory] = plan_.memories.size();
    PlannedMemory linked{
        memory(link.memory).name, link.memory, bases_[static_cast<size_t>(link.memory)], image.size, {},
        std::move(*content)};
    for (const PayloadSegment &segment : image.segments)
      linked.segments.push_back({segment.offset, segment.size, segment.protection});
    for (const PayloadSymbol &symbol : image.exported)
      if (symbol.isFunction && symbol.size) {
        RemoteAddress begin = linked.address + symbol.offset;
        linked.functions.push_back({"$" + linked.name + ":" + symbol.name, {begin, begin + symbol.size}, place.line});
      }
    plan_.memories.push_back(std::move(linked));
    return {};
  }

  static Result<RemoteAddress> addressOf(RemoteAddress address, const Place &) { return address; }
  Result<RemoteAddress> addressOf(const ir::Address &address, const Place &place) {
    return (*resolver_)(address, place);
  }
  Result<RemoteAddress> addressOf(const IfuncResolver &resolver, const Place &) {
    return ifuncBase_ + ifuncs_.at(resolver.function) * ifuncStubSize(patch_.machine);
  }

  static Result<RemoteAddress> addressOf(const ThreadLocalPlace &, const Place &) {
    LPC_CHECK(!"a thread-local variable has no address");
  }

  uint64_t ifuncCodeSize() const { return pages(ifuncs_.size() * ifuncStubSize(patch_.machine)); }

  // Stubs in executable pages, their slots in writable ones behind.
  void addIfuncs() {
    unsigned width = pointerSize(patch_.machine);
    uint64_t codeSize = ifuncCodeSize(), stubSize = ifuncStubSize(patch_.machine), slotsSize = ifuncs_.size() * width;
    PlannedMemory memory{"(ifuncs)",
                         {},
                         ifuncBase_,
                         codeSize + slotsSize,
                         {{0, codeSize, PROT_READ | PROT_EXEC}, {codeSize, pages(slotsSize), PROT_READ | PROT_WRITE}},
                         {}};
    memory.content.resize(codeSize + slotsSize);
    for (const auto &[function, index] : ifuncs_) {
      RemoteAddress stub = ifuncBase_ + index * stubSize, slot = ifuncBase_ + codeSize + index * width;
      std::ranges::copy(ifuncStub(patch_.machine, stub, slot, function),
                        memory.content.begin() + static_cast<ptrdiff_t>(index * stubSize));
      storeLittle(std::span(memory.content).subspan(codeSize + index * width, width),
                  ifuncSlotStart(patch_.machine, stub).value);
    }
    plan_.memories.push_back(std::move(memory));
  }

  Result<void> planChanges() {
    for (const ir::Operation &operation : patch_.operations) {
      Result<void> done;
      if (const auto *write = std::get_if<ir::Write>(&operation.action)) done = planWrite(*write, operation.place);
      if (const auto *branch = std::get_if<ir::Branch>(&operation.action)) done = planBranch(*branch, operation.place);
      if (const auto *code = std::get_if<ir::Code>(&operation.action)) done = planCode(*code, operation.place);
      if (const auto *at = std::get_if<ir::Return>(&operation.action)) done = planReturn(*at, operation.place);
      if (const auto *nop = std::get_if<ir::Nop>(&operation.action)) done = planNop(*nop, operation.place);
      if (const auto *import = std::get_if<ir::Import>(&operation.action)) done = planImport(*import, operation.place);
      if (const auto *expect = std::get_if<ir::Expect>(&operation.action)) done = planExpect(*expect, operation.place);
      if (const auto *call = std::get_if<ir::Call>(&operation.action)) done = planCall(*call, operation.place);
      if (const auto *quiesce = std::get_if<ir::Quiesce>(&operation.action))
        noteFunction(quiesce->function, quiesce->at, operation.place);
      if (!done) return placed(std::move(done.error()), operation.place);
    }
    return {};
  }

  Result<Bytes> bytesOf(const ir::Value &value, const Place &place, RemoteAddress *destination = nullptr) {
    if (const auto *bytes = std::get_if<Bytes>(&value)) return *bytes;
    auto address = (*resolver_)(std::get<ir::Address>(value), place);
    if (!address) return std::unexpected(std::move(address.error()));
    if (destination) *destination = *address;
    Bytes bytes;
    appendLittle(bytes, address->value, pointerSize(patch_.machine));
    return bytes;
  }

  Result<void> planWrite(const ir::Write &write, const Place &place) {
    auto at = (*resolver_)(write.at, place);
    if (!at) return std::unexpected(std::move(at.error()));
    PlannedChange change{PlannedChange::Kind::Set, *at, {}, false, {}, false, false, write.type, {}, place.line};
    auto value = bytesOf(write.value, place, &change.destination);
    if (!value) return std::unexpected(std::move(value.error()));
    change.newBytes = std::move(*value);
    if (auto own = resolver_->ownMemory(*at, change.newBytes.size())) {
      applyToContent(static_cast<ir::MemoryId>(*own), change);
    } else {
      if (auto read = readOld(change); !read) return read;
      if (write.recorded && *write.recorded != change.oldBytes) return differs(change, *write.recorded);
      change.exact = write.recorded.has_value();
    }
    if (write.was) {
      auto was = bytesOf(*write.was, place);
      if (!was) return std::unexpected(std::move(was.error()));
      if (*was != change.oldBytes)
        return fail(DiagnosticId::ExpectFailed, cat("`was` states ", toSpacedHex(*was), " at ", hexAddress(*at),
                                                    ", and the process has ", toSpacedHex(change.oldBytes)));
      change.exact = true;
    }
    plan_.changes.push_back(std::move(change));
    return {};
  }

  Result<void> planBranch(const ir::Branch &branch, const Place &place) {
    auto from = (*resolver_)(branch.from, place);
    if (!from) return std::unexpected(std::move(from.error()));
    auto to = (*resolver_)(branch.to, place);
    if (!to) return std::unexpected(std::move(to.error()));
    PlannedChange change{PlannedChange::Kind::Jump, *from, {}, true, {}, true, false, {}, *to, place.line};
    if (auto own = resolver_->ownMemory(*from, nearJumpSize(patch_.machine))) {
      auto jump = arch_.jump(*from, *to);
      if (!jump) return std::unexpected(std::move(jump.error()));
      change.newBytes = std::move(*jump);
      Bytes oldCode = ownContent(*own, *from, branch.room);
      applyToContent(static_cast<ir::MemoryId>(*own), change);
      return finishBranch(branch, std::move(change), oldCode, place);
    }
    Bytes oldCode;
    if (branch.room == 0) {
      auto site = proveSite(patch_.machine, *from, nearJumpSize(patch_.machine), process_, snapshot_);
      if (!site) return std::unexpected(std::move(site.error()));
      change.address = site->address;
      oldCode = std::move(site->bytes);
    } else if (branch.original) {
      auto code = process_.read(change.address, branch.room);
      if (!code) return std::unexpected(std::move(code.error()));
      oldCode = std::move(*code);
    }
    change.newBytes.resize(nearJumpSize(patch_.machine));
    if (auto read = readOld(change); !read) return read;
    if (auto same = compareCode(change, branch.recorded); !same) return same;
    if (auto destination = checkDestination(*to); !destination) return destination;
    if (auto jump = arch_.jump(change.address, *to))
      change.newBytes = std::move(*jump);
    else
      farJumps_.push_back({plan_.changes.size(), change.address, *to});
    if (branch.function) noteFunction(*branch.function, branch.from, place);
    return finishBranch(branch, std::move(change), oldCode, place);
  }

  Result<void> planCode(const ir::Code &code, const Place &place) {
    auto at = (*resolver_)(code.at, place);
    if (!at) return std::unexpected(std::move(at.error()));
    PlannedChange change{PlannedChange::Kind::Code, *at, {}, true, code.bytes, true, false, {}, {}, place.line};
    uint64_t room = code.room;
    auto own = resolver_->ownMemory(*at, code.bytes.size());
    if (!own && room == 0) {
      auto site = proveSite(patch_.machine, *at, code.bytes.size(), process_, snapshot_);
      if (!site) return std::unexpected(std::move(site.error()));
      change.address = site->address;
      room = site->bytes.size();
    }
    if (room > code.bytes.size())
      std::ranges::copy(arch_.noops(room - code.bytes.size()), std::back_inserter(change.newBytes));
    for (const ir::Reference &reference : code.references) {
      auto target = (*resolver_)(reference.target, place);
      if (!target) return std::unexpected(std::move(target.error()));
      auto written = writeReference(reference, *target, change.address, change.newBytes);
      if (!written) return std::unexpected(std::move(written.error()));
      if (!*written)
        farJumps_.push_back({plan_.changes.size(), change.address + reference.offset, *target, reference.offset});
    }
    if (own) {
      applyToContent(static_cast<ir::MemoryId>(*own), change);
    } else {
      if (auto read = readOld(change); !read) return read;
      if (code.recorded && *code.recorded != change.oldBytes) return differs(change, *code.recorded);
    }
    plan_.changes.push_back(std::move(change));
    return {};
  }

  Result<void> finishBranch(const ir::Branch &branch, PlannedChange change, const Bytes &oldCode, const Place &place) {
    RemoteAddress site = change.address;
    plan_.changes.push_back(std::move(change));
    return branch.original ? planOriginal(branch, site, oldCode, place) : Result<void>();
  }

  // The pointer gets its value when the old code has its place.
  Result<void> planOriginal(const ir::Branch &branch, RemoteAddress site, const Bytes &oldCode, const Place &place) {
    if (!decoder_) {
      auto decoder = Decoder::create(patch_.machine);
      if (!decoder) return std::unexpected(std::move(decoder.error()));
      decoder_ = std::move(*decoder);
    }
    auto moved = MovedCode::of(patch_.machine, *decoder_, oldCode, site.value);
    if (!moved) return std::unexpected(std::move(moved.error()));
    const auto *in = std::get_if<ir::InObject>(&branch.from.where);
    HookedCode hooked{site, std::move(*moved), in && !in->symbol.empty() ? in->symbol : hexAddress(site),
                      plan_.changes.size()};
    if (branch.original->replacement) hooked.replacement = inProcess(*branch.original->replacement, branch.to, place);
    hooked_.push_back(std::move(hooked));

    auto at = (*resolver_)(branch.original->at, place);
    if (!at) return std::unexpected(std::move(at.error()));
    PlannedChange pointer{PlannedChange::Kind::Set, *at, {}, false, {}, false, false, "addr", {}, place.line};
    pointer.newBytes.resize(pointerSize(patch_.machine));
    const std::optional<Bytes> &recorded = branch.original->recorded;
    if (!resolver_->ownMemory(*at, pointer.newBytes.size())) {
      if (auto read = readOld(pointer); !read) return read;
      if (recorded && *recorded != pointer.oldBytes) return differs(pointer, *recorded);
      pointer.exact = recorded.has_value();
    }
    plan_.changes.push_back(std::move(pointer));
    return {};
  }

  Result<void> placeHooks() {
    auto addresses = placeOriginals(hooked_, snapshot_, arch_, attempt_, maps_, plan_);
    if (!addresses) return std::unexpected(std::move(addresses.error()));
    for (size_t i = 0; i < hooked_.size(); i++) {
      PlannedChange &pointer = plan_.changes[hooked_[i].pointer];
      pointer.destination = (*addresses)[i];
      storeLittle(pointer.newBytes, pointer.destination.value);
      if (auto own = resolver_->ownMemory(pointer.address, pointer.newBytes.size()))
        applyToContent(static_cast<ir::MemoryId>(*own), pointer);
    }
    return {};
  }

  // All the code that the file has around the change stands in the process.
  Result<void> compareCode(PlannedChange &change, const std::optional<Bytes> &recorded) const {
    if (!recorded) return {};
    auto found = process_.read(change.address, recorded->size());
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found == *recorded) return {};
    change.oldBytes = std::move(*found);
    return differs(change, *recorded);
  }

  Result<void> planReturn(const ir::Return &statement, const Place &place) {
    std::string result = statement.value ? std::to_string(static_cast<int64_t>(*statement.value)) : "";
    auto at = (*resolver_)(statement.at, place);
    if (!at) return std::unexpected(std::move(at.error()));
    PlannedChange change{
        PlannedChange::Kind::Return, *at, {},        true, arch_.returnAtOnce(statement.value), true, false,
        std::move(result),           {},  place.line};
    if (!resolver_->ownMemory(*at, change.newBytes.size()) && statement.room == 0) {
      auto site = proveSite(patch_.machine, *at, change.newBytes.size(), process_, snapshot_);
      if (!site) return std::unexpected(std::move(site.error()));
      change.address = site->address;
    }
    if (statement.function) noteFunction(*statement.function, statement.at, place);
    return planInstructions(std::move(change), statement.recorded);
  }

  Result<void> planNop(const ir::Nop &nop, const Place &place) {
    auto at = (*resolver_)(nop.at, place);
    if (!at) return std::unexpected(std::move(at.error()));
    PlannedChange change{
        PlannedChange::Kind::Nop, *at, {}, true, arch_.noops(nop.size), true, false, {}, {}, place.line};
    if (!nop.recorded && !resolver_->ownMemory(*at, nop.size))
      if (auto whole = proveInstructions(patch_.machine, *at, nop.size, process_, snapshot_); !whole) return whole;
    return planInstructions(std::move(change), nop.recorded);
  }

  // Code whose bytes are known already.
  Result<void> planInstructions(PlannedChange change, const std::optional<Bytes> &recorded) {
    if (auto own = resolver_->ownMemory(change.address, change.newBytes.size())) {
      applyToContent(static_cast<ir::MemoryId>(*own), change);
    } else {
      if (auto read = readOld(change); !read) return read;
      if (auto same = compareCode(change, recorded); !same) return same;
    }
    plan_.changes.push_back(std::move(change));
    return {};
  }

  Result<void> planImport(const ir::Import &import, const Place &place) {
    auto slot = (*resolver_)(import.slot, place);
    if (!slot) return std::unexpected(std::move(slot.error()));
    auto to = (*resolver_)(import.to, place);
    if (!to) return std::unexpected(std::move(to.error()));
    if (import.function)
      if (auto destination = checkDestination(*to); !destination) return destination;
    PlannedChange change{
        PlannedChange::Kind::Import, *slot, {}, false, {}, false, false, import.symbol, *to, place.line};
    appendLittle(change.newBytes, to->value, pointerSize(patch_.machine));
    if (auto read = readOld(change); !read) return read;
    keepFromBeingBound(change);
    plan_.changes.push_back(std::move(change));
    return {};
  }

  // A slot that still leads into its own object is bound at the first call: a thread that is about to do so would put
  // its own result over ours. So no thread may be inside the dynamic linker.
  void keepFromBeingBound(const PlannedChange &change) {
    const runtime::Module *owner = runtime::moduleAt(snapshot_.modules, change.address);
    const runtime::Module *bound = runtime::moduleAt(snapshot_.modules, {loadLittle(change.oldBytes)});
    if (owner == nullptr || owner != bound) return;
    for (const runtime::Mapping &mapping : snapshot_.maps) {
      std::string_view file = std::string_view(mapping.path).substr(mapping.path.rfind('/') + 1);
      PlannedFunction linker{"the dynamic linker", mapping.range, change.line};
      bool known = std::ranges::find(plan_.functions, mapping.range, &PlannedFunction::range) != plan_.functions.end();
      if (mapping.executable && file.starts_with("ld-") && !known) plan_.functions.push_back(std::move(linker));
    }
  }

  Result<void> planExpect(const ir::Expect &expect, const Place &place) {
    auto at = (*resolver_)(expect.at, place);
    if (!at) return std::unexpected(std::move(at.error()));
    auto wanted = bytesOf(expect.value, place);
    if (!wanted) return std::unexpected(std::move(wanted.error()));
    auto found = process_.read(*at, wanted->size());
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found != *wanted)
      return fail(DiagnosticId::ExpectFailed, cat("the patch expects ", toSpacedHex(*wanted), " at ", hexAddress(*at),
                                                  ", and the process has ", toSpacedHex(*found)));
    plan_.expectations.push_back({*at, std::move(*wanted), place.line});
    return {};
  }

  Result<void> planCall(const ir::Call &call, const Place &place) {
    auto function = (*resolver_)(call.function, place);
    if (!function) return std::unexpected(std::move(function.error()));
    if (auto code = checkDestination(*function, "function"); !code) return code;
    constexpr CallStage kStages[] = {CallStage::PreApply, CallStage::PostApply, CallStage::PreRevert,
                                     CallStage::PostRevert};
    plan_.calls.push_back({kStages[static_cast<size_t>(call.moment)], *function, call.arguments,
                           cat("`", spelled(call.function, *function), "`"), place});
    return {};
  }

  std::string spelled(const ir::Address &address, RemoteAddress resolved) const {
    if (const auto *in = std::get_if<ir::InObject>(&address.where); in && !in->symbol.empty() && in->addend == 0)
      return in->symbol;
    if (const auto *in = std::get_if<ir::InPayload>(&address.where); in && in->addend == 0)
      return cat("$", memory(in->memory).name, ":", in->symbol);
    return hexAddress(resolved);
  }

  // Patches that need no function of the process called have no calls, and go on without a thread for them.
  Result<void> planPayloadStarts() {
    std::vector<StartedPayload> payloads;
    for (const ir::Operation &operation : patch_.operations) {
      const auto *link = std::get_if<ir::Link>(&operation.action);
      if (!link) continue;
      const PlannedMemory &linked = plan_.memories[planned_.at(link->memory)];
      bool calledBack = std::ranges::any_of(patch_.operations, [&](const ir::Operation &other) {
        const auto *branch = std::get_if<ir::Branch>(&other.action);
        const auto *to = branch && branch->original ? std::get_if<ir::InPayload>(&branch->to.where) : nullptr;
        return to && to->memory == link->memory;
      });
      payloads.push_back({&images_.at(link->memory),
                          patch_.payloads[static_cast<size_t>(*memory(link->memory).payload)].name, linked.address,
                          &linked.content, calledBack, operation.place});
    }
    return planStarts(payloads, snapshot_, plan_);
  }

  void noteFunction(const ir::Function &function, const ir::Address &beside, const Place &place) {
    if (auto found = inProcess(function, beside, place)) plan_.functions.push_back(std::move(*found));
  }

  std::optional<PlannedFunction> inProcess(const ir::Function &function, const ir::Address &address,
                                           const Place &place) const {
    const auto *where = std::get_if<ir::InObject>(&address.where);
    if (!where) return std::nullopt;
    RemoteAddress start = snapshot_.modules[modules_[static_cast<size_t>(where->object)]].bias.of(function.start);
    return PlannedFunction{function.name, {start, start + function.size}, place.line};
  }

  // What the patch's own memory has before it is changed; zeros where nothing was put yet.
  Bytes ownContent(size_t own, RemoteAddress at, uint64_t size) const {
    const PlannedMemory &memory = plan_.memories[planned_.at(static_cast<ir::MemoryId>(own))];
    Bytes bytes(size);
    for (uint64_t i = 0; i < size && at - memory.address + i < memory.content.size(); i++)
      bytes[i] = memory.content[at - memory.address + i];
    return bytes;
  }

  // A jump into memory that can't be executed would kill the first thread that takes it.
  Result<void> checkDestination(RemoteAddress to, std::string_view what = "jump's destination") const {
    for (const PlannedMemory &memory : plan_.memories)
      for (const PlannedSegment &segment : memory.segments) {
        RemoteRange range{memory.address + segment.offset, memory.address + segment.offset + segment.size};
        if (!range.contains(to)) continue;
        if (segment.protection & PROT_EXEC) return {};
        return fail(DiagnosticId::NotCode,
                    cat("the ", what, " ", hexAddress(to), " in `$", memory.name, "` is not executable"));
      }
    const runtime::Mapping *mapping = runtime::mappingAt(snapshot_.maps, to);
    if (mapping && mapping->executable) return {};
    return fail(DiagnosticId::NotCode,
                cat("the ", what, " ", hexAddress(to), mapping ? " is not executable" : " is not mapped"));
  }

  // The patch's own memory is changed before anyone can see it.
  void applyToContent(ir::MemoryId id, PlannedChange &change) {
    PlannedMemory &own = plan_.memories[planned_.at(id)];
    uint64_t offset = change.address - own.address;
    if (own.content.size() < offset + change.newBytes.size()) own.content.resize(offset + change.newBytes.size());
    auto begin = own.content.begin() + static_cast<ptrdiff_t>(offset);
    change.oldBytes.assign(begin, begin + static_cast<ptrdiff_t>(change.newBytes.size()));
    change.prepared = true;
    putIntoContent(change);
  }

  // The bytes of a change of the patch's own memory.
  void putIntoContent(const PlannedChange &change) {
    auto own = resolver_->ownMemory(change.address, change.newBytes.size());
    LPC_CHECK(own.has_value());
    PlannedMemory &memory = plan_.memories[planned_.at(static_cast<ir::MemoryId>(*own))];
    std::ranges::copy(change.newBytes,
                      memory.content.begin() + static_cast<ptrdiff_t>(change.address - memory.address));
  }

  Result<void> readOld(PlannedChange &change) const {
    const runtime::Mapping *mapping = runtime::mappingAt(snapshot_.maps, change.address);
    if (!mapping)
      return fail(DiagnosticId::BadAddress, cat("the process has no memory at ", hexAddress(change.address)));
    // A shared mapping is a file or other processes' memory too: what is written there outlives and surpasses this
    // process.
    if (mapping->shared && (change.code || !mapping->writable))
      return fail(DiagnosticId::BadAddress, cat("the memory at ", hexAddress(change.address),
                                                " is shared and not writable (", mapping->path, ")"));
    auto old = process_.read(change.address, change.newBytes.size());
    if (!old) return std::unexpected(std::move(old.error()));
    change.oldBytes = std::move(*old);
    return {};
  }

  std::unexpected<Error> differs(const PlannedChange &change, const Bytes &recorded) const {
    Note note{"at " + hexAddress(change.address) + ":"};
    note.lines = {"file     " + toSpacedHex(recorded), "process  " + toSpacedHex(change.oldBytes)};
    return std::unexpected(Error{DiagnosticId::BytesDiffer,
                                 cat("process ", process_.pid(), " has other bytes here than the file"),
                                 {note},
                                 "`lpc status --pid` shows whether a patch of ours is on it"});
  }

  Result<void> placeFarJumps() {
    if (auto done = placeDetours(farJumps_, snapshot_, arch_, attempt_, maps_, plan_); !done) return done;
    for (const FarJump &jump : farJumps_)
      if (const PlannedChange &change = plan_.changes[jump.change]; change.prepared) putIntoContent(change);
    return {};
  }

  void findOneStore() {
    const PlannedChange *only = nullptr;
    for (const PlannedChange &change : plan_.changes) {
      if (change.prepared) continue;
      if (only) return;
      only = &change;
    }
    plan_.oneStore =
        only && plan_.pointers.empty() && plan_.expectations.empty() && isOneStore(*only, patch_.machine, process_);
  }

  // Sema has compared what files show; numbers and pointers meet only here.
  Result<void> findOverlaps() {
    std::vector<const PlannedChange *> sorted;
    for (const PlannedChange &change : plan_.changes)
      if (!change.prepared) sorted.push_back(&change);
    std::ranges::sort(sorted, {}, &PlannedChange::address);
    for (size_t i = 1; i < sorted.size(); i++) {
      const PlannedChange &a = *sorted[i - 1], &b = *sorted[i];
      if (b.address - a.address >= a.newBytes.size()) continue;
      auto [first, second] = std::minmax(a.line, b.line);
      return std::unexpected(
          Error{DiagnosticId::OverlappingChanges,
                cat("this changes bytes at ", hexAddress(b.address), " that line ", first, " changes too"),
                {},
                {},
                {second, 1, second, 2}});
    }
    return {};
  }

  const ir::Patch &patch_;
  const runtime::Process &process_;
  const Snapshot &snapshot_;
  const Arch &arch_;
  std::vector<runtime::Mapping> maps_; // with what is planned
  unsigned attempt_;
  std::vector<size_t> modules_;
  std::map<ir::MemoryId, PayloadImage> images_;
  Bindings bindings_;
  std::map<RemoteAddress, size_t> ifuncs_; // resolver function to index of its stub
  RemoteAddress ifuncBase_{};
  std::vector<RemoteAddress> bases_;
  std::map<ir::MemoryId, size_t> planned_; // index into plan_.memories
  std::optional<Resolver> resolver_;
  std::vector<FarJump> farJumps_;
  std::unique_ptr<Decoder> decoder_; // made when first needed
  std::vector<HookedCode> hooked_;
  Plan plan_;
};

} // namespace

Result<Snapshot> look(const runtime::Process &process, Snapshot before) {
  auto maps = runtime::readMaps(process);
  if (!maps) return std::unexpected(std::move(maps.error()));
  if (!before.modules.empty() && *maps == before.maps) return before;
  auto modules = runtime::readModules(process, *maps);
  if (!modules) return std::unexpected(std::move(modules.error()));
  return Snapshot{std::move(*maps), std::move(*modules)};
}

Result<Plan> makePlan(const ir::Patch &patch, const runtime::Process &process, const Snapshot &snapshot,
                      unsigned attempt) {
  if (auto broken = ir::verify(patch); !broken.empty()) return fail(DiagnosticId::BadIr, broken[0]);
  if (patch.machine != process.machine())
    return fail(DiagnosticId::WrongMachine, cat("the patch is for ", name(patch.machine), ", and process ",
                                                process.pid(), " runs ", name(process.machine()), " code"));
  return Planner(patch, process, snapshot, attempt).make();
}

} // namespace lpc::backend
