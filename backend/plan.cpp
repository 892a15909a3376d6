// Planning: a patch meets a process.
//
// The order is forced by what each step needs to know. Objects are matched first, for they say whether this is the
// right process at all. Payloads are read and their undefined symbols bound before memory is placed, because stubs for
// indirect functions need room. Only then are there addresses to link to and bytes to write. Nothing here stops or
// changes the process; whatever the plan takes from it (bytes, pointers) is compared again when it stands still
// (switch.cpp). The changes themselves are planned in plan_changes.cpp.
#include "backend/plan.h"

#include <sys/mman.h>

#include <algorithm>

#include "backend/arch/ifunc_stub.h"
#include "backend/detours.h"
#include "backend/digest.h"
#include "backend/dynamic_linker.h"
#include "backend/layout.h"
#include "backend/match.h"
#include "backend/module_files.h"
#include "backend/plan_start.h"
#include "backend/planner.h"
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

} // namespace

Result<Plan> Planner::make() {
  plan_ = {patch_.name, patch_.version, patch_.source, patch_.machine, digestOf(patch_), {}, {}, {}, {}};
  using Step = Result<void> (Planner::*)();
  for (Step step : {&Planner::match, &Planner::readPayloads, &Planner::bindSymbols, &Planner::placeMemory,
                    &Planner::fillMemory, &Planner::planChanges, &Planner::placeFarJumps, &Planner::placeHooks,
                    &Planner::findOverlaps, &Planner::planPayloadStarts})
    if (auto done = (this->*step)(); !done) return std::unexpected(std::move(done.error()));
  plan_.pointers = resolver().pointers();
  findOneStore();
  return std::move(plan_);
}

Result<void> Planner::match() {
  auto matched = matchObjects(patch_, process_, snapshot_);
  if (!matched) return std::unexpected(std::move(matched.error()));
  modules_ = std::move(*matched);
  for (size_t i = 0; i < modules_.size(); i++) {
    const runtime::Module &module = snapshot_.modules[modules_[i]];
    auto times =
        module.buildId.empty() ? 1 : std::ranges::count(snapshot_.modules, module.buildId, &runtime::Module::buildId);
    if (times > 1)
      plan_.remarks.push_back(cat("`", module.path, "` is loaded ", times,
                                  " times (dlmopen, or copies of its file); the patch means the one at ",
                                  hexAddress(module.range.begin), " alone"));
  }
  return {};
}

Result<void> Planner::readPayloads() {
  for (const ir::Operation &operation : patch_.operations) {
    if (const auto *open = std::get_if<ir::Open>(&operation.action))
      if (auto read = readOpening(*open, operation.place); !read) return read;
    const auto *link = std::get_if<ir::Link>(&operation.action);
    if (!link) continue;
    const ir::Payload &payload = payloadOf(link->memory);
    auto image = PayloadImage::read(payload.bytes, payload.name, patch_.machine);
    if (!image) return placed(std::move(image.error()), operation.place);
    images_.emplace(link->memory, std::move(*image));
  }
  return {};
}

Result<void> Planner::readOpening(const ir::Open &open, const Place &place) {
  if (plan_.openings.empty()) {
    auto linker = findDynamicLinker(process_, snapshot_);
    if (!linker) return placed(std::move(linker.error()), place);
    plan_.closer = linker->close;
  }
  auto image = OpenImage::read(payloadOf(open.memory), patch_.machine, plan_.openings.size());
  if (!image) return placed(std::move(image.error()), place);
  PlannedOpening opening{memory(open.memory).name, payloadOf(open.memory).name, open.memory, {}, 0, false, place.line};
  if (opened_ != nullptr) {
    opening = (*opened_)[plan_.openings.size()];
    image->loadedAt(opening.base);
  }
  opening.base = image->base();
  opening.size = image->size();
  opens_.emplace(open.memory, std::move(*image));
  plan_.openings.push_back(std::move(opening));
  return {};
}

const OpenImage *Planner::unloadedAt(RemoteAddress address) const {
  const OpenImage *image = imageAt(opens_, address);
  return image != nullptr && !image->loaded() ? image : nullptr;
}

Result<void> Planner::bindSymbols() {
  auto bound = bindPayloads(patch_, images_, opens_, process_, snapshot_, modules_);
  if (!bound) return std::unexpected(std::move(bound.error()));
  bindings_ = std::move(*bound);
  for (const auto &[memoryId, symbols] : bindings_)
    for (const auto &[name, symbol] : symbols)
      if (const auto *ifunc = std::get_if<IfuncResolver>(&symbol)) ifuncs_.emplace(ifunc->function, ifuncs_.size());
  return {};
}

// The hull of the jump sites of the first jumped-from module; jumps from elsewhere get detours where they need them.
RemoteRange Planner::nearRange() {
  std::optional<RemoteRange> hull;
  const runtime::Module *module = nullptr;
  Resolver early(patch_, process_, snapshot_, modules_, bases_, images_, opens_);
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

Result<void> Planner::placeMemory() {
  std::vector<Room> rooms;
  for (size_t i = 0; i < patch_.memories.size(); i++) {
    auto image = images_.find(static_cast<ir::MemoryId>(i));
    if (opens_.contains(static_cast<ir::MemoryId>(i))) continue;
    if (image == images_.end())
      rooms.push_back({patch_.memories[i].size, kPage});
    else
      rooms.push_back({image->second.size, std::max<uint64_t>(image->second.alignment, kPage)});
  }
  if (!ifuncs_.empty()) rooms.push_back({ifuncCodeSize() + pages(ifuncs_.size() * pointerSize(patch_.machine)), kPage});
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
  for (const auto &[id, image] : opens_) // ascending
    bases_.insert(bases_.begin() + static_cast<ptrdiff_t>(id), image.base());
  resolver_.emplace(patch_, process_, snapshot_, modules_, bases_, images_, opens_);
  return {};
}

Result<void> Planner::fillMemory() {
  for (const ir::Operation &operation : patch_.operations) {
    if (const auto *alloc = std::get_if<ir::Alloc>(&operation.action)) addMemory(alloc->memory, {});
    if (const auto *load = std::get_if<ir::Load>(&operation.action))
      addMemory(load->memory, payloadOf(load->memory).bytes);
    if (const auto *link = std::get_if<ir::Link>(&operation.action))
      if (auto linked = addLinked(*link, operation.place); !linked) return linked;
  }
  if (!ifuncs_.empty()) addIfuncs();
  return {};
}

void Planner::addMemory(ir::MemoryId id, Bytes content) {
  const ir::Memory &wanted = memory(id);
  planned_[id] = plan_.memories.size();
  plan_.memories.push_back({wanted.name,
                            id,
                            bases_[static_cast<size_t>(id)],
                            wanted.size,
                            {{0, pages(wanted.size), protectionOf(wanted.permission)}},
                            std::move(content)});
}

Result<void> Planner::addLinked(const ir::Link &link, const Place &place) {
  const PayloadImage &image = images_.at(link.memory);
  const auto &bound = bindings_[link.memory];
  std::map<std::string, RemoteAddress> outside; // where undefined symbols are
  std::vector<AppliedRelocation> applied;
  auto content = image.place(
      bases_[static_cast<size_t>(link.memory)],
      [&](const UndefinedSymbol &symbol) -> Result<RemoteAddress> {
        auto address =
            std::visit([&](const auto &target) { return addressOf(target, place); }, bound.at(symbol.versionedName()));
        if (relocations_ && address) outside.emplace(symbol.versionedName(), *address);
        return address;
      },
      [&](const UndefinedSymbol &symbol) -> Result<ThreadLocalPlace> {
        return std::get<ThreadLocalPlace>(bound.at(symbol.versionedName()));
      },
      relocations_ ? &applied : nullptr);
  if (!content) return placed(std::move(content.error()), place);
  planned_[link.memory] = plan_.memories.size();
  PlannedMemory linked{memory(link.memory).name, link.memory, bases_[static_cast<size_t>(link.memory)], image.size, {},
                       std::move(*content)};
  for (const PayloadSegment &segment : image.segments)
    linked.segments.push_back({segment.offset, segment.size, segment.protection});
  for (const PayloadSymbol &symbol : image.exported)
    if (symbol.isFunction && symbol.size) {
      RemoteAddress begin = linked.address + symbol.offset;
      linked.functions.push_back({"$" + linked.name + ":" + symbol.name, {begin, begin + symbol.size}, place.line});
    }
  linked.relocations = listed(applied, linked, outside);
  plan_.memories.push_back(std::move(linked));
  return {};
}

std::vector<PlannedRelocation> Planner::listed(const std::vector<AppliedRelocation> &applied,
                                               const PlannedMemory &memory,
                                               const std::map<std::string, RemoteAddress> &outside) const {
  std::vector<PlannedRelocation> all;
  for (const AppliedRelocation &relocation : applied) {
    PlannedRelocation one{
        memory.address + relocation.offset, std::string(relocation.type), relocation.symbol, {}, relocation.value};
    if (auto found = outside.find(relocation.symbol); found != outside.end())
      if (const runtime::Module *module = runtime::moduleAt(snapshot_.modules, found->second))
        one.object = module->soname.empty() ? module->path.substr(module->path.rfind('/') + 1) : module->soname;
    all.push_back(std::move(one));
  }
  return all;
}

Result<RemoteAddress> Planner::addressOf(const ir::Address &address, const Place &place) {
  return resolver()(address, place);
}

Result<RemoteAddress> Planner::addressOf(const IfuncResolver &resolver, const Place &) {
  return ifuncBase_ + ifuncs_.at(resolver.function) * ifuncStubSize(patch_.machine);
}

Result<RemoteAddress> Planner::addressOf(const ThreadLocalPlace &, const Place &) {
  LPC_CHECK(!"a thread-local variable has no address");
}

// Stubs in executable pages, their slots in writable ones behind.
uint64_t Planner::ifuncCodeSize() const { return pages(ifuncs_.size() * ifuncStubSize(patch_.machine)); }

void Planner::addIfuncs() {
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

Result<void> Planner::placeFarJumps() {
  if (auto done = placeDetours(farJumps_, snapshot_, arch_, attempt_, maps_, plan_); !done) return done;
  for (const FarJump &jump : farJumps_)
    if (const PlannedChange &change = plan_.changes[jump.change]; change.prepared) putIntoContent(change);
  return {};
}

void Planner::findOneStore() {
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
Result<void> Planner::findOverlaps() {
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
Result<Snapshot> look(const runtime::Process &process, Snapshot before) {
  auto maps = runtime::readMaps(process);
  if (!maps) return std::unexpected(std::move(maps.error()));
  if (!before.modules.empty() && *maps == before.maps) return before;
  auto modules = runtime::readModules(process, *maps);
  if (!modules) return std::unexpected(std::move(modules.error()));
  return Snapshot{.maps = std::move(*maps),
                  .modules = std::move(*modules),
                  .files = std::make_shared<ModuleFiles>(),
                  .sharers = std::move(before.sharers)};
}

Result<Plan> makePlan(const ir::Patch &patch, const runtime::Process &process, const Snapshot &snapshot,
                      unsigned attempt, bool relocations, const std::vector<PlannedOpening> *opened) {
  if (auto broken = ir::verify(patch); !broken.empty()) return fail(DiagnosticId::BadIr, broken[0]);
  if (patch.machine != process.machine())
    return fail(DiagnosticId::WrongMachine, cat("the patch is for ", name(patch.machine), ", and process ",
                                                process.pid(), " runs ", name(process.machine()), " code"));
  return Planner(patch, process, snapshot, attempt, relocations, opened).make();
}

std::string spelledIn(const Plan &plan, RemoteAddress address) {
  for (const PlannedOpening &opening : plan.openings)
    if (!opening.loaded && address >= opening.base && address - opening.base < opening.size)
      return cat("$", opening.name, "+", hexAddress(address - opening.base));
  return hexAddress(address);
}

} // namespace lpc::backend
