// Memory that a program has given back to the allocator of glibc: nobody follows the pointers that it still has.
#pragma once

#include <vector>

#include "runtime/maps.h"
#include "runtime/process.h"

namespace lpc::backend {

class FreeBlocks {
public:
  // Both must outlive it.
  FreeBlocks(const runtime::Process &process, const std::vector<runtime::Mapping> &maps)
      : process_(process), maps_(maps) {}

  // Is that inside a block that is free? False where it can't be told: for blocks of other allocators, for those that a
  // thread keeps for itself (tcache) or that are small (fast bins), and where the program changes the heap meanwhile.
  [[nodiscard]] bool contain(RemoteAddress at);

private:
  struct Heap {
    RemoteRange mapping;
    std::vector<RemoteRange> free; // ascending
  };
  const Heap &heapAt(const runtime::Mapping &mapping);
  [[nodiscard]] std::vector<RemoteRange> freeIn(const runtime::Mapping &mapping) const;

  const runtime::Process &process_;
  const std::vector<runtime::Mapping> &maps_;
  std::vector<Heap> heaps_; // looked at once
};

} // namespace lpc::backend
