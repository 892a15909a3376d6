// The planner: its state, and a function for each step (plan.cpp) and each kind of change (plan_changes.cpp). Internal
// to backend.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "backend/arch/arch.h"
#include "backend/bind.h"
#include "backend/detours.h"
#include "backend/open_image.h"
#include "backend/originals.h"
#include "backend/plan.h"
#include "backend/resolve.h"

namespace lpc::backend {

// An error of a statement, with its place where it has none of its own.
inline std::unexpected<Error> placed(Error error, const Place &place) {
  if (!error.place.known()) error.place = place;
  return std::unexpected(std::move(error));
}

class Planner {
public:
  Planner(const ir::Patch &patch, const runtime::Process &process, const Snapshot &snapshot, unsigned attempt,
          bool relocations, const std::vector<PlannedOpening> *opened)
      : patch_(patch), process_(process), snapshot_(snapshot), arch_(Arch::of(patch.machine)), maps_(snapshot.maps),
        attempt_(attempt), relocations_(relocations), opened_(opened) {}
  Result<Plan> make();

private:
  // There is one from the placing of memory on.
  Resolver &resolver() {
    LPC_CHECK(resolver_.has_value());
    return *resolver_;
  }
  [[nodiscard]] const Resolver &resolver() const {
    LPC_CHECK(resolver_.has_value());
    return *resolver_;
  }

  Result<void> match();
  Result<void> readPayloads();
  Result<void> readOpening(const ir::Open &open, const Place &place);
  // The image that has the address and is not loaded yet.
  [[nodiscard]] const OpenImage *unloadedAt(RemoteAddress address) const;
  Result<void> bindSymbols();
  RemoteRange nearRange();
  Result<void> placeMemory();
  Result<void> fillMemory();
  [[nodiscard]] const ir::Memory &memory(ir::MemoryId id) const { return patch_.memories[static_cast<size_t>(id)]; }
  // What fills a memory that `load` or `dl` makes.
  [[nodiscard]] const ir::Payload &payloadOf(ir::MemoryId id) const {
    std::optional<ir::PayloadId> payload = memory(id).payload;
    LPC_CHECK(payload.has_value());
    return patch_.payloads[static_cast<size_t>(*payload)];
  }
  void addMemory(ir::MemoryId id, Bytes content);
  Result<void> addLinked(const ir::Link &link, const Place &place);
  [[nodiscard]] std::vector<PlannedRelocation> listed(const std::vector<AppliedRelocation> &applied,
                                                      const PlannedMemory &memory,
                                                      const std::map<std::string, RemoteAddress> &outside) const;
  static Result<RemoteAddress> addressOf(RemoteAddress address, const Place &) { return address; }
  Result<RemoteAddress> addressOf(const ir::Address &address, const Place &place);
  Result<RemoteAddress> addressOf(const IfuncResolver &resolver, const Place &);
  static Result<RemoteAddress> addressOf(const ThreadLocalPlace &, const Place &);
  [[nodiscard]] uint64_t ifuncCodeSize() const;
  void addIfuncs();

  Result<void> planChanges();
  Result<Bytes> bytesOf(const ir::Value &value, const Place &place, RemoteAddress *destination = nullptr);
  Result<void> planWrite(const ir::Write &write, const Place &place);
  Result<void> planBranch(const ir::Branch &branch, const Place &place);
  Result<void> planCode(const ir::Code &code, const Place &place);
  Result<void> finishBranch(const ir::Branch &branch, PlannedChange change, const Bytes &oldCode, const Place &place);
  Result<void> planOriginal(const ir::Branch &branch, const ir::Original &original, RemoteAddress site,
                            const Bytes &oldCode, const Place &place);
  Result<void> placeHooks();
  Result<void> compareCode(PlannedChange &change, const std::optional<Bytes> &recorded) const;
  Result<void> planReturn(const ir::Return &statement, const Place &place);
  Result<void> planNop(const ir::Nop &nop, const Place &place);
  Result<void> planInstructions(PlannedChange change, const std::optional<Bytes> &recorded);
  Result<void> planImport(const ir::Import &import, const Place &place);
  void keepFromBeingBound(const PlannedChange &change);
  Result<void> planExpect(const ir::Expect &expect, const Place &place);
  Result<void> planCall(const ir::Call &call, const Place &place);
  std::string spelled(const ir::Address &address, RemoteAddress resolved) const;
  Result<void> planPayloadStarts();
  void noteFunction(const ir::Function &function, const ir::Address &beside, const Place &place);
  std::optional<PlannedFunction> inProcess(const ir::Function &function, const ir::Address &address,
                                           const Place &place) const;
  Bytes ownContent(size_t own, RemoteAddress at, uint64_t size) const;
  Result<void> checkDestination(RemoteAddress to, std::string_view what = "jump's destination") const;
  [[nodiscard]] bool executable(RemoteAddress at) const;
  [[nodiscard]] bool writable(RemoteAddress at) const;
  void applyToContent(ir::MemoryId id, PlannedChange &change);
  void putIntoContent(const PlannedChange &change);
  [[nodiscard]] Result<Bytes> codeAt(RemoteAddress at, uint64_t size) const;
  Result<void> readOld(PlannedChange &change) const;
  std::unexpected<Error> differs(const PlannedChange &change, const Bytes &recorded) const;
  std::unexpected<Error> inTheWay(Error error, const RemoteRange &place) const;

  Result<void> placeFarJumps();
  void findOneStore();
  Result<void> findOverlaps();

  const ir::Patch &patch_;
  const runtime::Process &process_;
  const Snapshot &snapshot_;
  const Arch &arch_;
  std::vector<runtime::Mapping> maps_; // with what is planned
  unsigned attempt_;
  bool relocations_;                          // are to be listed
  const std::vector<PlannedOpening> *opened_; // null: not yet
  OpenImages opens_;
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

} // namespace lpc::backend
