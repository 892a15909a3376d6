// A program may reserve hundreds of gigabytes and use few; a look at its memory must not cost it page tables, nor us
// minutes.
#include "runtime/resident.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace lpc::runtime {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kPresentOrSwapped = uint64_t{3} << 62; // bits 63 and 62 of an entry

} // namespace

std::vector<RemoteRange> residentRanges(const Process &process, RemoteRange range) {
  FileDescriptor pagemap(open(process.proc("pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  if (!pagemap.valid()) return {range};
  std::vector<RemoteRange> found;
  std::vector<uint64_t> entries(8192);
  for (RemoteAddress at = range.begin; at < range.end;) {
    uint64_t wanted = std::min<uint64_t>((range.end - at + kPage - 1) / kPage, entries.size());
    ssize_t size = pread(pagemap.get(), entries.data(), wanted * 8, static_cast<off_t>(at.value / kPage * 8));
    if (size < 8) {
      found.push_back({at, range.end}); // not known: taken for there
      break;
    }
    uint64_t count = static_cast<uint64_t>(size) / 8;
    for (uint64_t i = 0; i < count; i++) {
      if (!(entries[i] & kPresentOrSwapped)) continue;
      RemoteAddress page = at + i * kPage;
      if (!found.empty() && found.back().end == page)
        found.back().end = page + kPage;
      else
        found.push_back({page, page + kPage});
    }
    at = at + count * kPage;
  }
  return found;
}

} // namespace lpc::runtime
