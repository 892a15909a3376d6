// Looking at every aligned word of a range of the process's memory, in chunks, without allocating.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "ir/support/address.h"
#include "runtime/process.h"

namespace lpc::runtime {

// Calls visit(word) for each aligned 8-byte word of [from, end) until it returns true, and returns whether one did.
// `buffer` (not empty) is where chunks are read to. Nothing: the memory could not be read.
template <class Visit>
std::optional<bool> scanWords(const Process &process, RemoteAddress from, RemoteAddress end,
                              std::vector<uint64_t> &buffer, Visit visit) {
  for (RemoteAddress at{(from.value + 7) & ~uint64_t{7}}; at < end && end - at >= 8;) {
    uint64_t words = std::min<uint64_t>((end - at) / 8, buffer.size());
    if (!process.read(at, {reinterpret_cast<uint8_t *>(buffer.data()), words * 8})) return std::nullopt;
    if (std::any_of(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(words), visit)) return true;
    at = at + words * 8;
  }
  return false;
}

} // namespace lpc::runtime
