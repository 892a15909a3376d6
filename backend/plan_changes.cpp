// What is written: one function for each kind of operation, and what all of them share.
#include <sys/mman.h>

#include <algorithm>

#include "backend/plan_start.h"
#include "backend/planner.h"
#include "backend/references.h"
#include "backend/registry.h"
#include "backend/site.h"
#include "ir/support/cat.h"

namespace lpc::backend {

Result<void> Planner::planChanges() {
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

Result<Bytes> Planner::bytesOf(const ir::Value &value, const Place &place, RemoteAddress *destination) {
  if (const auto *bytes = std::get_if<Bytes>(&value)) return *bytes;
  auto address = resolver()(std::get<ir::Address>(value), place);
  if (!address) return std::unexpected(std::move(address.error()));
  if (destination) *destination = *address;
  Bytes bytes;
  appendLittle(bytes, address->value, pointerSize(patch_.machine));
  return bytes;
}

Result<void> Planner::planWrite(const ir::Write &write, const Place &place) {
  auto at = resolver()(write.at, place);
  if (!at) return std::unexpected(std::move(at.error()));
  PlannedChange change{PlannedChange::Kind::Set, *at, {}, false, {}, false, false, write.type, {}, place.line};
  auto value = bytesOf(write.value, place, &change.destination);
  if (!value) return std::unexpected(std::move(value.error()));
  change.newBytes = std::move(*value);
  if (auto own = resolver().ownMemory(*at, change.newBytes.size())) {
    applyToContent(static_cast<ir::MemoryId>(*own), change);
  } else {
    change.code = executable(*at) && !writable(*at); // what is both may be a variable, which changes all the time
    if (auto read = readOld(change); !read) return read;
    if (write.recorded && *write.recorded != change.oldBytes) return differs(change, *write.recorded);
    change.exact = write.recorded.has_value();
  }
  if (write.was) {
    auto was = bytesOf(*write.was, place);
    if (!was) return std::unexpected(std::move(was.error()));
    if (*was != change.oldBytes)
      return inTheWay({DiagnosticId::ExpectFailed, cat("`was` states ", toSpacedHex(*was), " at ", hexAddress(*at),
                                                       ", and the process has ", toSpacedHex(change.oldBytes))},
                      {*at, *at + was->size()});
    change.exact = true;
  }
  plan_.changes.push_back(std::move(change));
  return {};
}

Result<void> Planner::planBranch(const ir::Branch &branch, const Place &place) {
  auto from = resolver()(branch.from, place);
  if (!from) return std::unexpected(std::move(from.error()));
  auto to = resolver()(branch.to, place);
  if (!to) return std::unexpected(std::move(to.error()));
  PlannedChange change{PlannedChange::Kind::Jump, *from, {}, true, {}, true, false, {}, *to, place.line};
  if (auto own = resolver().ownMemory(*from, nearJumpSize(patch_.machine))) {
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
    auto code = codeAt(change.address, branch.room);
    if (!code) return std::unexpected(std::move(code.error()));
    oldCode = std::move(*code);
  }
  change.newBytes.resize(nearJumpSize(patch_.machine));
  if (auto read = readOld(change); !read) return read;
  if (auto same = compareCode(change, branch.recorded); !same) return same;
  if (auto destination = checkDestination(*to); !destination) return destination;
  if (auto jump = arch_.jump(change.address, *to))
    change.newBytes = std::move(*jump);
  else if (!unloadedAt(change.address))
    farJumps_.push_back({plan_.changes.size(), change.address, *to});
  if (branch.function) noteFunction(*branch.function, branch.from, place);
  return finishBranch(branch, std::move(change), oldCode, place);
}

Result<void> Planner::planCode(const ir::Code &code, const Place &place) {
  auto at = resolver()(code.at, place);
  if (!at) return std::unexpected(std::move(at.error()));
  PlannedChange change{PlannedChange::Kind::Code, *at, {}, true, code.bytes, true, false, {}, {}, place.line};
  uint64_t room = code.room;
  auto own = resolver().ownMemory(*at, code.bytes.size());
  if (!own && room == 0) {
    auto site = proveSite(patch_.machine, *at, code.bytes.size(), process_, snapshot_);
    if (!site) return std::unexpected(std::move(site.error()));
    change.address = site->address;
    room = site->bytes.size();
  }
  if (room > code.bytes.size())
    std::ranges::copy(arch_.noops(room - code.bytes.size()), std::back_inserter(change.newBytes));
  for (const ir::Reference &reference : code.references) {
    auto target = resolver()(reference.target, place);
    if (!target) return std::unexpected(std::move(target.error()));
    auto written = writeReference(reference, *target, change.address, change.newBytes);
    if (!written) return std::unexpected(std::move(written.error()));
    if (!*written && !unloadedAt(change.address))
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

Result<void> Planner::finishBranch(const ir::Branch &branch, PlannedChange change, const Bytes &oldCode,
                                   const Place &place) {
  RemoteAddress site = change.address;
  plan_.changes.push_back(std::move(change));
  return branch.original ? planOriginal(branch, *branch.original, site, oldCode, place) : Result<void>();
}

// The pointer gets its value when the old code has its place.
Result<void> Planner::planOriginal(const ir::Branch &branch, const ir::Original &original, RemoteAddress site,
                                   const Bytes &oldCode, const Place &place) {
  if (unloadedAt(site)) return {}; // where its old code goes depends on where it is
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
  if (original.replacement) hooked.replacement = inProcess(*original.replacement, branch.to, place);
  hooked_.push_back(std::move(hooked));

  auto at = resolver()(original.at, place);
  if (!at) return std::unexpected(std::move(at.error()));
  PlannedChange pointer{PlannedChange::Kind::Set, *at, {}, false, {}, false, false, "addr", {}, place.line};
  pointer.newBytes.resize(pointerSize(patch_.machine));
  const std::optional<Bytes> &recorded = original.recorded;
  if (!resolver().ownMemory(*at, pointer.newBytes.size())) {
    if (auto read = readOld(pointer); !read) return read;
    if (recorded && *recorded != pointer.oldBytes) return differs(pointer, *recorded);
    pointer.exact = recorded.has_value();
  }
  plan_.changes.push_back(std::move(pointer));
  return {};
}

Result<void> Planner::placeHooks() {
  auto addresses = placeOriginals(hooked_, snapshot_, arch_, attempt_, maps_, plan_);
  if (!addresses) return std::unexpected(std::move(addresses.error()));
  for (size_t i = 0; i < hooked_.size(); i++) {
    PlannedChange &pointer = plan_.changes[hooked_[i].pointer];
    pointer.destination = (*addresses)[i];
    storeLittle(pointer.newBytes, pointer.destination.value);
    if (auto own = resolver().ownMemory(pointer.address, pointer.newBytes.size()))
      applyToContent(static_cast<ir::MemoryId>(*own), pointer);
  }
  return {};
}

// All the code that the file has around the change stands in the process.
Result<void> Planner::compareCode(PlannedChange &change, const std::optional<Bytes> &recorded) const {
  if (!recorded) return {};
  auto found = codeAt(change.address, recorded->size());
  if (!found) return std::unexpected(std::move(found.error()));
  if (*found == *recorded) return {};
  change.oldBytes = std::move(*found);
  return differs(change, *recorded);
}

Result<void> Planner::planReturn(const ir::Return &statement, const Place &place) {
  std::string result = statement.value ? std::to_string(static_cast<int64_t>(*statement.value)) : "";
  auto at = resolver()(statement.at, place);
  if (!at) return std::unexpected(std::move(at.error()));
  PlannedChange change{
      PlannedChange::Kind::Return, *at, {},        true, arch_.returnAtOnce(statement.value), true, false,
      std::move(result),           {},  place.line};
  if (!resolver().ownMemory(*at, change.newBytes.size()) && statement.room == 0) {
    auto site = proveSite(patch_.machine, *at, change.newBytes.size(), process_, snapshot_);
    if (!site) return std::unexpected(std::move(site.error()));
    change.address = site->address;
  }
  if (statement.function) noteFunction(*statement.function, statement.at, place);
  return planInstructions(std::move(change), statement.recorded);
}

Result<void> Planner::planNop(const ir::Nop &nop, const Place &place) {
  auto at = resolver()(nop.at, place);
  if (!at) return std::unexpected(std::move(at.error()));
  PlannedChange change{PlannedChange::Kind::Nop, *at, {}, true, arch_.noops(nop.size), true, false, {}, {}, place.line};
  if (!nop.recorded && !unloadedAt(*at) && !resolver().ownMemory(*at, nop.size))
    if (auto whole = proveInstructions(patch_.machine, *at, nop.size, process_, snapshot_); !whole) return whole;
  return planInstructions(std::move(change), nop.recorded);
}

// Code whose bytes are known already.
Result<void> Planner::planInstructions(PlannedChange change, const std::optional<Bytes> &recorded) {
  if (auto own = resolver().ownMemory(change.address, change.newBytes.size())) {
    applyToContent(static_cast<ir::MemoryId>(*own), change);
  } else {
    if (auto read = readOld(change); !read) return read;
    if (auto same = compareCode(change, recorded); !same) return same;
  }
  plan_.changes.push_back(std::move(change));
  return {};
}

Result<void> Planner::planImport(const ir::Import &import, const Place &place) {
  auto slot = resolver()(import.slot, place);
  if (!slot) return std::unexpected(std::move(slot.error()));
  auto to = resolver()(import.to, place);
  if (!to) return std::unexpected(std::move(to.error()));
  if (import.function)
    if (auto destination = checkDestination(*to); !destination) return destination;
  PlannedChange change{PlannedChange::Kind::Import, *slot, {}, false, {}, false, false, import.symbol, *to, place.line};
  appendLittle(change.newBytes, to->value, pointerSize(patch_.machine));
  if (auto read = readOld(change); !read) return read;
  keepFromBeingBound(change);
  plan_.changes.push_back(std::move(change));
  return {};
}

// A slot that still leads into its own object is bound at the first call: a thread that is about to do so would put
// its own result over ours. So no thread may be inside the dynamic linker.
void Planner::keepFromBeingBound(const PlannedChange &change) {
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

Result<void> Planner::planExpect(const ir::Expect &expect, const Place &place) {
  auto at = resolver()(expect.at, place);
  if (!at) return std::unexpected(std::move(at.error()));
  auto wanted = bytesOf(expect.value, place);
  if (!wanted) return std::unexpected(std::move(wanted.error()));
  auto found = process_.read(*at, wanted->size());
  if (!found) return std::unexpected(std::move(found.error()));
  if (*found != *wanted)
    return inTheWay({DiagnosticId::ExpectFailed, cat("the patch expects ", toSpacedHex(*wanted), " at ",
                                                     hexAddress(*at), ", and the process has ", toSpacedHex(*found))},
                    {*at, *at + wanted->size()});
  plan_.expectations.push_back({*at, std::move(*wanted), place.line});
  return {};
}

Result<void> Planner::planCall(const ir::Call &call, const Place &place) {
  auto function = resolver()(call.function, place);
  if (!function) return std::unexpected(std::move(function.error()));
  if (auto code = checkDestination(*function, "function"); !code) return code;
  constexpr CallStage kStages[] = {CallStage::PreApply, CallStage::PostApply, CallStage::PreRevert,
                                   CallStage::PostRevert};
  plan_.calls.push_back({kStages[static_cast<size_t>(call.moment)], *function, call.arguments,
                         cat("`", spelled(call.function, *function), "`"), place});
  return {};
}

std::string Planner::spelled(const ir::Address &address, RemoteAddress resolved) const {
  if (const auto *in = std::get_if<ir::InObject>(&address.where); in && !in->symbol.empty() && in->addend == 0)
    return in->symbol;
  if (const auto *in = std::get_if<ir::InPayload>(&address.where); in && in->addend == 0)
    return cat("$", memory(in->memory).name, ":", in->symbol);
  return hexAddress(resolved);
}

// Patches that need no function of the process called have no calls, and go on without a thread for them.
Result<void> Planner::planPayloadStarts() {
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
    payloads.push_back({&images_.at(link->memory), payloadOf(link->memory).name, linked.address, &linked.content,
                        calledBack, operation.place});
  }
  return planStarts(payloads, process_, snapshot_, plan_);
}

void Planner::noteFunction(const ir::Function &function, const ir::Address &beside, const Place &place) {
  if (auto found = inProcess(function, beside, place)) plan_.functions.push_back(std::move(*found));
}

std::optional<PlannedFunction> Planner::inProcess(const ir::Function &function, const ir::Address &address,
                                                  const Place &place) const {
  const auto *where = std::get_if<ir::InObject>(&address.where);
  if (!where) return std::nullopt;
  RemoteAddress start = snapshot_.modules[modules_[static_cast<size_t>(where->object)]].bias.of(function.start);
  return PlannedFunction{function.name, {start, start + function.size}, place.line};
}

// What the patch's own memory has before it is changed; zeros where nothing was put yet.
Bytes Planner::ownContent(size_t own, RemoteAddress at, uint64_t size) const {
  const PlannedMemory &memory = plan_.memories[planned_.at(static_cast<ir::MemoryId>(own))];
  Bytes bytes(size);
  for (uint64_t i = 0; i < size && at - memory.address + i < memory.content.size(); i++)
    bytes[i] = memory.content[at - memory.address + i];
  return bytes;
}

// A jump into memory that can't be executed would kill the first thread that takes it.
Result<void> Planner::checkDestination(RemoteAddress to, std::string_view what) const {
  for (const PlannedMemory &memory : plan_.memories)
    for (const PlannedSegment &segment : memory.segments) {
      RemoteRange range{memory.address + segment.offset, memory.address + segment.offset + segment.size};
      if (!range.contains(to)) continue;
      if (segment.protection & PROT_EXEC) return {};
      return fail(DiagnosticId::NotCode,
                  cat("the ", what, " ", hexAddress(to), " in `$", memory.name, "` is not executable"));
    }
  if (executable(to)) return {};
  bool mapped = runtime::mappingAt(snapshot_.maps, to) != nullptr;
  return fail(DiagnosticId::NotCode,
              cat("the ", what, " ", hexAddress(to), mapped ? " is not executable" : " is not mapped"));
}

// Of what is there before the patch, or will be when its objects are loaded.
bool Planner::executable(RemoteAddress at) const {
  if (const OpenImage *image = unloadedAt(at); image != nullptr && image->executableAt(at)) return true;
  const runtime::Mapping *mapping = runtime::mappingAt(snapshot_.maps, at);
  return mapping != nullptr && mapping->executable;
}

bool Planner::writable(RemoteAddress at) const {
  const runtime::Mapping *mapping = runtime::mappingAt(snapshot_.maps, at);
  return mapping != nullptr && mapping->writable;
}

// The patch's own memory is changed before anyone can see it.
void Planner::applyToContent(ir::MemoryId id, PlannedChange &change) {
  PlannedMemory &own = plan_.memories[planned_.at(id)];
  uint64_t offset = change.address - own.address;
  if (own.content.size() < offset + change.newBytes.size()) own.content.resize(offset + change.newBytes.size());
  auto begin = own.content.begin() + static_cast<ptrdiff_t>(offset);
  change.oldBytes.assign(begin, begin + static_cast<ptrdiff_t>(change.newBytes.size()));
  change.prepared = true;
  putIntoContent(change);
}

// The bytes of a change of the patch's own memory.
void Planner::putIntoContent(const PlannedChange &change) {
  auto own = resolver().ownMemory(change.address, change.newBytes.size());
  LPC_CHECK(own.has_value());
  PlannedMemory &memory = plan_.memories[planned_.at(static_cast<ir::MemoryId>(*own))];
  std::ranges::copy(change.newBytes, memory.content.begin() + static_cast<ptrdiff_t>(change.address - memory.address));
}

// Of an object that is not loaded yet, the file shows what will stand there before relocation.
Result<Bytes> Planner::codeAt(RemoteAddress at, uint64_t size) const {
  const OpenImage *image = unloadedAt(at);
  if (image == nullptr) return process_.read(at, size);
  auto bytes = image->bytesAt(at, size);
  if (!bytes) return fail(DiagnosticId::BadAddress, cat("`", image->file(), "` has no ", size, " bytes at this place"));
  return std::move(*bytes);
}

Result<void> Planner::readOld(PlannedChange &change) const {
  if (unloadedAt(change.address)) {
    auto old = codeAt(change.address, change.newBytes.size());
    if (!old) return std::unexpected(std::move(old.error()));
    change.oldBytes = std::move(*old);
    return {};
  }
  const runtime::Mapping *mapping = runtime::mappingAt(snapshot_.maps, change.address);
  if (!mapping) return fail(DiagnosticId::BadAddress, cat("the process has no memory at ", hexAddress(change.address)));
  // A shared mapping is a file or other processes' memory too: what is written there outlives and surpasses this
  // process.
  if (mapping->shared && (change.code || !mapping->writable))
    return fail(DiagnosticId::BadAddress,
                cat("the memory at ", hexAddress(change.address), " is shared and not writable (", mapping->path, ")"));
  auto old = process_.read(change.address, change.newBytes.size());
  if (!old) return std::unexpected(std::move(old.error()));
  change.oldBytes = std::move(*old);
  return {};
}

std::unexpected<Error> Planner::differs(const PlannedChange &change, const Bytes &recorded) const {
  Note note{"at " + hexAddress(change.address) + ":"};
  note.lines = {"file     " + toSpacedHex(recorded), "process  " + toSpacedHex(change.oldBytes)};
  return inTheWay({DiagnosticId::BytesDiffer,
                   cat("process ", process_.pid(), " has other bytes here than the file"),
                   {note},
                   "no patch of lpc has changed them: another tool has, or the program itself"},
                  {change.address, change.address + recorded.size()});
}

// The last of our patches that has changed something there says more than the bytes.
std::unexpected<Error> Planner::inTheWay(Error error, const RemoteRange &place) const {
  auto records = readRegistry(process_, snapshot_.maps);
  auto changes = [&](const FoundRecord &found) {
    return std::ranges::any_of(found.record.changes, [&](const RecordedChange &change) {
      return place.overlaps({change.address, change.address + change.newBytes.size()});
    });
  };
  if (!records) return std::unexpected(std::move(error));
  auto last = std::ranges::find_if(records->rbegin(), records->rend(), changes);
  if (last == records->rend() || last->record.state == RecordState::Reverted) return std::unexpected(std::move(error));
  const std::string &name = last->record.name;
  error.notes.push_back({.message = cat("patch `", name, "` is on the process, and has changed it"), .place = {}});
  error.help = name == patch_.name ? std::string("it has the name of this one: the patch is applied")
                                   : cat("revert that one first (lpc revert ", name, " --pid ", process_.pid(),
                                         "), or make one of both");
  return std::unexpected(std::move(error));
}

} // namespace lpc::backend
