// Only the form that linkers write: a table of pairs of 32 bits, counted from the section's start.
#include "backend/function_starts.h"

#include <dwarf.h>
#include <elf.h>

#include <algorithm>

#include "ir/support/bytes.h"
#include "runtime/elf_memory.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kHeader = 12, kEntry = 8;           // version and three encodings; pointer to .eh_frame; count
constexpr uint64_t kLargestTable = uint64_t{64} << 20; // 8 million functions
constexpr uint8_t kForm[] = {DW_EH_PE_udata4, DW_EH_PE_datarel | DW_EH_PE_sdata4};

void addStarts(const runtime::Process &process, const RemoteRange &table, std::vector<RemoteAddress> &starts) {
  uint64_t size = std::min(table.size(), kLargestTable);
  auto bytes = process.read(table.begin, size);
  if (!bytes || size < kHeader || (*bytes)[0] != 1 || !std::ranges::equal(BytesView(*bytes).subspan(2, 2), kForm))
    return;
  BytesView words(*bytes);
  uint64_t count = std::min(loadLittle(words.subspan(8, 4)), (size - kHeader) / kEntry);
  for (uint64_t i = 0; i < count; i++) {
    auto distance = static_cast<int32_t>(loadLittle(words.subspan(kHeader + i * kEntry, 4)));
    starts.push_back(table.begin + static_cast<uint64_t>(int64_t{distance}));
  }
}

} // namespace

std::vector<RemoteAddress> functionStarts(const runtime::Process &process, const std::vector<runtime::Mapping> &maps,
                                          const std::vector<RemoteRange> &ranges) {
  std::vector<RemoteAddress> starts;
  for (const RemoteRange &range : ranges) {
    auto image = runtime::ElfMemory::withHeader(process, maps, range.begin);
    auto table = image ? image->segment(PT_GNU_EH_FRAME) : std::nullopt;
    if (table) addStarts(process, *table, starts);
  }
  std::ranges::sort(starts);
  return starts;
}

} // namespace lpc::backend
