// Code of ours that an lpc that was killed has left behind the code of the program.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/maps.h"
#include "runtime/process.h"

namespace lpc::runtime {

struct LeftCode {
  std::string_view kind; // of x86_64_stub.h, ownCode()
  bool brief = false;    // the same
  RemoteAddress at;
  Bytes bytes; // as they stand there
};

// What stands in the padding (padding.h) and is byte for byte what lpc puts there, but for the registers that a stub
// has in it. Threads may be in it still. Not found: code of an lpc that has other programs than this one.
std::vector<LeftCode> findLeftCode(const Process &process, const std::vector<Mapping> &maps);

} // namespace lpc::runtime
