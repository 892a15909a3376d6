// The rule of positions: frames of the C library may be the innermost ones, which are one call of the program's, and
// the outermost one or two, with which its threads begin (__libc_start_main and what it calls; clone and start_thread).
// In between they are callers of the program (handlers of `fork`, `exit` and signals, `dl_iterate_phdr`, `qsort`),
// which may hold something; and more than two at the outer end mean a thread that is being ended.
//
// The innermost ones are decided by the function that the program called: `poll` does nothing but sleep, while one that
// waits for a lock of the C library was called for something else. Names in the dynamic symbol table are enough for
// that. Rejected: to name what is dangerous.
#include "runtime/quiet.h"

#include <algorithm>

namespace lpc::runtime {
namespace {

constexpr size_t kMostOfStart = 2;
constexpr uint64_t kEntrySize = 64; // of _start

bool isIn(const std::vector<RemoteRange> &ranges, RemoteAddress address) {
  return std::ranges::any_of(ranges, [&](const RemoteRange &range) { return range.contains(address); });
}

} // namespace

std::optional<std::string> whyNotQuiet(const Backtrace &trace, const CodeOwners &owners, bool positionOnly) {
  // The last byte of the call stands for what is behind it.
  auto code = [&](size_t frame) { return frame == 0 ? trace.frames[0] : trace.frames[frame] - 1; };
  size_t count = trace.frames.size();
  for (size_t i = 0; i < count; i++) {
    if (isIn(owners.allocators, code(i))) return "it is inside of the library that allocates";
    if (owners.linker.contains(code(i))) return "it is inside of the dynamic linker";
  }
  size_t inner = 0;
  while (inner < count && isIn(owners.library, code(inner)))
    inner++;
  if (inner > 0 && inner < count && !isIn(owners.sleepers, code(inner - 1)))
    return "it is inside of a function of the C library that does more than wait";
  if (!trace.complete && positionOnly) return std::nullopt;
  if (!trace.complete) return "its stack can't be unwound to its end";
  bool first = count > 0 && owners.entry.value != 0 && code(count - 1).value - owners.entry.value < kEntrySize;
  size_t end = first ? count - 1 : count, outer = end;
  while (outer > inner && isIn(owners.library, code(outer - 1)))
    outer--;
  size_t ofStart = end - outer;
  if (outer == inner && inner > 0) return "it is a thread of the C library's own";
  if (ofStart == 0 || ofStart > kMostOfStart || (!first && ofStart != kMostOfStart))
    return "its stack does not begin as that of a thread at work does";
  for (size_t i = inner; i < outer; i++)
    if (isIn(owners.library, code(i))) return "it was called by a function of the C library";
  return std::nullopt;
}

} // namespace lpc::runtime
