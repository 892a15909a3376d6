// A record and its process tell which they are: nothing is kept of the search.
#include "backend/dead_pointers.h"

#include <algorithm>

namespace lpc::backend {

bool DeadPointers::isDead(uint64_t word, RemoteAddress at) const {
  if (std::ranges::any_of(record_.frames, [&](const RemoteRange &range) { return range.contains({word}); }))
    return true;
  if (record_.exitHandles.empty() || at.value < 24) return false;
  if (isHandle(word)) return isFree({at.value - 24});
  return isHandle(process_.readWord(at + 8).value_or(0)) && isFree({at.value - 16});
}

bool DeadPointers::isHandle(uint64_t word) const {
  return std::ranges::find(record_.exitHandles, RemoteAddress{word}) != record_.exitHandles.end();
}

bool DeadPointers::isFree(RemoteAddress entry) const { return process_.readWord(entry).value_or(1) == 0; }

} // namespace lpc::backend
