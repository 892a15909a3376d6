// Executable bytes that belong to nobody: between the end of a segment's content and the end of its last page.
//
// The agent's program and the borrower's stub stand there while they are needed. So lpc needs no executable memory of
// its own for them (which SELinux, MemoryDenyWriteExecute or an address space limit may deny), and a thread of ours can
// give back all its memory and still have code to stand on while it ends.
#pragma once

#include <vector>

#include "runtime/maps.h"
#include "runtime/process.h"

namespace lpc::runtime {

// The padding of the process's private executable mappings, the ones that are never unloaded (program, vdso, loader, C
// library) first. Found from the program headers in its memory; mappings whose headers are not there are left out.
std::vector<RemoteRange> findPadding(const Process &process, const std::vector<Mapping> &maps);

// Code stands on these borders alone; the first one in a range of padding, from its begin.
constexpr uint64_t kPlaceBorder = 16;
constexpr uint64_t firstPlace(RemoteRange padding) {
  return (kPlaceBorder - padding.begin.value % kPlaceBorder) % kPlaceBorder;
}

// Where `code` may be put, on such a border: over zero bytes, or, where `shareable`, over the very same bytes, which
// an earlier lpc that was killed has left behind. `taken` is not used.
struct CodePlace {
  RemoteAddress at;
  bool alreadyThere = false;
};
std::optional<CodePlace> placeInPadding(const Process &process, const std::vector<RemoteRange> &padding, BytesView code,
                                        bool shareable, RemoteRange taken = {});

} // namespace lpc::runtime
