// Finding the records of a process: by the memfd that each is mapped from.
#include "backend/registry.h"

#include <algorithm>
#include <map>

namespace lpc::backend {
namespace {

constexpr uint64_t kMostRecords = 256u << 20; // bytes of all: what they are decoded to takes some times as much

} // namespace

bool isOfPatch(const runtime::Mapping &mapping) {
  return !mapping.shared && mapping.path.starts_with(std::string("/memfd:") + kRegistryName + " ");
}

Result<std::vector<FoundRecord>> readRegistry(const runtime::Process &process,
                                              const std::vector<runtime::Mapping> &maps) {
  std::map<std::pair<uint64_t, uint64_t>, std::vector<const runtime::Mapping *>> files; // by device and inode
  for (const runtime::Mapping &mapping : maps)
    if (isOfPatch(mapping)) files[{mapping.device, mapping.inode}].push_back(&mapping);
  std::vector<FoundRecord> records;
  uint64_t left = kMostRecords;
  for (const auto &[file, mappings] : files) {
    auto start = std::ranges::find(mappings, uint64_t{0}, &runtime::Mapping::offset);
    if (start == mappings.end()) return corruptRecord("memory of a patch has no record");
    if ((*start)->range.size() > left) return corruptRecord("it is too large");
    left -= (*start)->range.size();
    auto bytes = process.read((*start)->range.begin, (*start)->range.size());
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    auto record = decode(*bytes);
    if (!record) return std::unexpected(std::move(record.error()));
    FoundRecord found{(*start)->range, {}, std::move(*record)};
    for (const runtime::Mapping *mapping : mappings)
      if (mapping != *start) found.memory.push_back(mapping->range);
    records.push_back(std::move(found));
  }
  std::ranges::stable_sort(records, {}, [](const FoundRecord &found) { return found.record.sequence; });
  return records;
}

bool isHandedOver(const FoundRecord &found, const std::vector<FoundRecord> &records) {
  return found.record.opening && std::ranges::any_of(records, [&](const FoundRecord &other) {
           return !other.record.opening && other.record.sequence == found.record.sequence;
         });
}

} // namespace lpc::backend
