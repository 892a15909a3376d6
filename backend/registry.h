// The registry: what is applied to a process is recorded in the process itself.
//
// One memfd a patch, named `livepatch` and mapped privately: /proc/PID/maps shows "/memfd:livepatch (deleted)",
// readable without a stop, inherited by fork as the patched pages are. Its start is the record (record.h); the rest is
// the memory of the patch, so whatever has the same inode belongs to it, and nothing else is ever unmapped. The record
// is mapped before any other memory of the patch.
#pragma once

#include <vector>

#include "backend/record.h"
#include "runtime/maps.h"
#include "runtime/process.h"

namespace lpc::backend {

struct FoundRecord {
  RemoteRange range;               // where the record is mapped
  std::vector<RemoteRange> memory; // what else the patch has mapped, ascending
  Record record;
};
// Ascending by sequence. CorruptRegistry, ProcessGone.
Result<std::vector<FoundRecord>> readRegistry(const runtime::Process &process,
                                              const std::vector<runtime::Mapping> &maps);

// A record whose handles another one has taken over.
bool isHandedOver(const FoundRecord &found, const std::vector<FoundRecord> &records);

// The name of the memfd.
constexpr const char *kRegistryName = "livepatch";
bool isOfPatch(const runtime::Mapping &mapping);

} // namespace lpc::backend
