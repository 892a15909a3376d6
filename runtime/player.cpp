// Encoding of the player's table.
//
// Through its own memory file, every write is one row. Without that file (no /proc in the process's namespace, not
// dumpable, a kernel that lets nobody write to code) the rows first make the pages writable, write, and take that away
// again. In between such pages are writable and executable at once, against our habit: if we are killed meanwhile,
// other threads run on them.
#include "runtime/player.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include "runtime/arch/x86_64_stub.h"

namespace lpc::runtime {
namespace {

constexpr uint64_t kPage = 4096;
using x86_64::PlayRow;
constexpr uint64_t kRowsAt = 64; // behind the word that says when all is played, the mark, and its value

// Two struct iovec: here, there.
constexpr uint64_t kVectors = 32;

size_t rowCount(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps, PlayMethod method) {
  size_t changes = method == PlayMethod::Unprotecting ? 2 * protectedPages(writes, maps).size() : 0;
  return writes.size() + changes + 1; // and the end
}

PlayRow protectRow(RemoteRange range, int protection) {
  return {SYS_mprotect, {range.begin.value, range.size(), static_cast<uint64_t>(protection)}, 0};
}

int protectionOf(const Mapping &mapping) {
  return (mapping.readable ? PROT_READ : 0) | (mapping.writable ? PROT_WRITE : 0) |
         (mapping.executable ? PROT_EXEC : 0);
}

} // namespace

std::vector<PlayedWrite> coalesce(std::vector<PlayedWrite> writes) {
  std::vector<PlayedWrite> result;
  for (PlayedWrite &write : writes) {
    if (write.bytes.empty()) continue;
    if (!result.empty() && result.back().to + result.back().bytes.size() == write.to)
      result.back().bytes.insert(result.back().bytes.end(), write.bytes.begin(), write.bytes.end());
    else
      result.push_back(std::move(write));
  }
  return result;
}

std::vector<ProtectedPages> protectedPages(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps) {
  std::vector<ProtectedPages> pages;
  for (const PlayedWrite &write : writes) {
    RemoteAddress page = write.to - write.to.value % kPage;
    for (RemoteAddress end = write.to + write.bytes.size(); page < end; page = page + kPage) {
      const Mapping *mapping = mappingAt(maps, page);
      if (mapping && !mapping->writable) pages.push_back({{page, page + kPage}, protectionOf(*mapping)});
    }
  }
  std::ranges::sort(pages, {}, [](const ProtectedPages &p) { return p.range.begin; });
  std::vector<ProtectedPages> merged;
  for (const ProtectedPages &next : pages) {
    if (!merged.empty() && next.range.begin <= merged.back().range.end && next.protection == merged.back().protection)
      merged.back().range.end = std::max(merged.back().range.end, next.range.end);
    else
      merged.push_back(next);
  }
  return merged;
}

uint64_t playTableSize(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps, PlayMethod method) {
  uint64_t size = kRowsAt + rowCount(writes, maps, method) * sizeof(PlayRow);
  for (const PlayedWrite &write : writes)
    size += (method == PlayMethod::Unprotecting ? kVectors : 0) + write.bytes.size();
  return (size + kPage - 1) / kPage * kPage;
}

PlayTable playTable(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps, PlayMethod method,
                    RemoteAddress base, uint64_t handle, RemoteAddress mark, uint64_t begun) {
  std::vector<PlayRow> rows;
  Bytes data;
  RemoteAddress dataAt = base + kRowsAt + rowCount(writes, maps, method) * sizeof(PlayRow);
  auto unprotected = method == PlayMethod::Unprotecting ? protectedPages(writes, maps) : std::vector<ProtectedPages>();
  for (const ProtectedPages &pages : unprotected)
    rows.push_back(protectRow(pages.range, pages.protection | PROT_WRITE));
  for (const PlayedWrite &write : writes) {
    uint64_t size = write.bytes.size();
    if (method == PlayMethod::Unprotecting) {
      RemoteAddress vectors = dataAt + data.size();
      for (uint64_t word : {(vectors + kVectors).value, size, write.to.value, size})
        appendLittle(data, word, 8);
      rows.push_back({SYS_process_vm_writev,
                      {handle, vectors.value, 1, (vectors + kVectors / 2).value, 1, 0},
                      static_cast<int64_t>(size)});
    } else
      rows.push_back(
          {SYS_pwrite64, {handle, (dataAt + data.size()).value, size, write.to.value}, static_cast<int64_t>(size)});
    data.insert(data.end(), write.bytes.begin(), write.bytes.end());
  }
  for (const ProtectedPages &pages : unprotected)
    rows.push_back(protectRow(pages.range, pages.protection));
  rows.push_back({});

  PlayTable table{.rows = base + kRowsAt};
  for (uint64_t word : {uint64_t{0}, mark.value, begun})
    appendLittle(table.image, word, 8);
  table.image.resize(kRowsAt);
  for (const PlayRow &row : rows) {
    appendLittle(table.image, static_cast<uint64_t>(row.number), 8);
    for (uint64_t argument : row.arguments)
      appendLittle(table.image, argument, 8);
    appendLittle(table.image, static_cast<uint64_t>(row.expected), 8);
  }
  table.image.insert(table.image.end(), data.begin(), data.end());
  return table;
}

} // namespace lpc::runtime
