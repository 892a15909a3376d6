// IR addresses to addresses in the process.
#pragma once

#include <map>
#include <vector>

#include "backend/link.h"
#include "backend/open_image.h"
#include "backend/plan.h"

namespace lpc::backend {

// Where everything of the patch is. Filled by the planner before the first address is asked for.
class Resolver {
public:
  // All references must outlive the resolver. `modules` are matchObjects'; `bases` the address of each memory;
  // `images` the linked payloads by memory; `contents` of memories, for pointers that are read from the patch's own
  // memory.
  Resolver(const ir::Patch &patch, const runtime::Process &process, const Snapshot &snapshot,
           const std::vector<size_t> &modules, const std::vector<RemoteAddress> &bases,
           const std::map<ir::MemoryId, PayloadImage> &images, const OpenImages &opens)
      : patch_(patch), process_(process), snapshot_(snapshot), modules_(modules), bases_(bases), images_(images),
        opens_(opens) {}

  // BadAddress where a pointer can't be read or an address leaves the address space.
  Result<RemoteAddress> operator()(const ir::Address &address, const Place &place);

  // The memory that the patch makes itself whose range holds [at, at+size), as index into patch.memories.
  [[nodiscard]] std::optional<size_t> ownMemory(RemoteAddress at, uint64_t size) const;
  [[nodiscard]] const std::vector<PlannedPointer> &pointers() const { return pointers_; }

private:
  Result<RemoteAddress> loaded(const ir::Loaded &address, const Place &place);
  Result<RemoteAddress> opened(const OpenImage &image, const ir::InPayload &address, const Place &place);

  const ir::Patch &patch_;
  const runtime::Process &process_;
  const Snapshot &snapshot_;
  const std::vector<size_t> &modules_;
  const std::vector<RemoteAddress> &bases_;
  const std::map<ir::MemoryId, PayloadImage> &images_;
  const OpenImages &opens_;
  std::vector<PlannedPointer> pointers_;
};

} // namespace lpc::backend
