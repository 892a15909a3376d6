// Code only where lpc would have put it: at the borders of 16 bytes in padding, which the program headers prove to be
// nobody's. The same bytes anywhere else are the program's.
#include "runtime/leftovers.h"

#include <algorithm>
#include <cstring>

#include "runtime/arch/x86_64_stub.h"
#include "runtime/padding.h"
#include "runtime/worker_memory.h"

namespace lpc::runtime {
namespace {

constexpr uint64_t kBlock = 64 << 10; // more than a control block and its alignment

void findCode(const Process &process, const std::vector<Mapping> &maps, std::vector<Leftover> &found) {
  for (const RemoteRange &range : findPadding(process, maps)) {
    Bytes content(range.size());
    if (!process.read(range.begin, content)) continue;
    for (uint64_t offset = firstPlace(range); offset < content.size(); offset += kPlaceBorder) {
      if (content[offset] == 0) continue; // as nearly everywhere; none of ours begins so
      BytesView rest = BytesView(content).subspan(offset);
      auto here = [&](const x86_64::OwnCode &own) {
        return own.code.size() <= rest.size() && own.matches(rest.first(own.code.size()));
      };
      auto own = std::ranges::find_if(x86_64::ownCode(), here);
      if (own == x86_64::ownCode().end()) continue;
      RemoteAddress at = range.begin + offset;
      BytesView bytes = rest.first(own->code.size());
      const RemoteRange all{at, at + bytes.size()};
      found.push_back({own->kind, own->brief, all, {all}, at, Bytes(bytes.begin(), bytes.end())});
    }
  }
}

// pthread_create has the addresses of its arguments, and of the control block that it makes at the end of the stack.
// Not sought are those of the rest: of 8 MB there is one on many a stack, in what nobody has written to.
void findWorkers(const Process &process, const std::vector<Mapping> &maps, std::vector<Leftover> &found) {
  for (const Mapping &mapping : maps) {
    if (!mapping.path.starts_with(worker::kMappingName) || mapping.offset != 0) continue;
    RemoteAddress begin = mapping.range.begin, at = begin + offsetof(worker::WorkerJob, launched);
    worker::WorkerJob job;
    if (!process.read(begin, std::span(reinterpret_cast<uint8_t *>(&job), sizeof job))) continue;
    if (job.launched == 0 || job.thread != 0 || job.function != 0) continue;
    Bytes word;
    appendLittle(word, job.launched, sizeof job.launched);
    const RemoteRange all{begin, begin + worker::kWorkerSize};
    const RemoteRange arguments{begin, begin + worker::kPage}, block{{all.end.value - kBlock}, all.end};
    found.push_back({"the memory of a worker", false, all, {arguments, block}, at, std::move(word)});
  }
}

} // namespace

std::vector<Leftover> findLeftovers(const Process &process, const std::vector<Mapping> &maps) {
  std::vector<Leftover> found;
  if (process.machine() != Machine::X86_64) return found;
  findCode(process, maps, found);
  findWorkers(process, maps, found);
  return found;
}

} // namespace lpc::runtime
