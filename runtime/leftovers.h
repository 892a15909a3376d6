// What an lpc that was killed has left in a process, beyond what its records tell of.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/maps.h"
#include "runtime/process.h"

namespace lpc::runtime {

// It is done away with where no thread is in `range` or has a pointer to one of `pointed`, which are parts of it that
// whoever comes back to it has an address of: by zeros over `bytes`, which stand at `at`.
struct Leftover {
  std::string_view kind;
  bool brief = false; // a thread is in it for a moment at most
  RemoteRange range;
  std::vector<RemoteRange> pointed;
  RemoteAddress at;
  Bytes bytes;
};

// Code that stands in the padding (padding.h) and is byte for byte what lpc puts there (x86_64_stub.h, ownCode()), but
// for the registers that a stub has in it; and the memory of workers of which none has begun (worker_memory.h), where
// the word is erased that says that one may come to be. Not found: code of an lpc that has other programs than this
// one.
std::vector<Leftover> findLeftovers(const Process &process, const std::vector<Mapping> &maps);

} // namespace lpc::runtime
