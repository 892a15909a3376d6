// Where functions begin in ELF images that stand in the memory of a process.
#pragma once

#include <vector>

#include "backend/plan.h"
#include "runtime/process.h"

namespace lpc::backend {

// Ascending: of the images whose ELF headers are at the start of one of the `ranges`, what their own tables for
// unwinding tell (.eh_frame_hdr, Linux Standard Base 10.6.2). What can't be read or contradicts itself is left out; the
// table is the process's, so its words are no more than that.
std::vector<RemoteAddress> functionStarts(const runtime::Process &process, const std::vector<runtime::Mapping> &maps,
                                          const std::vector<RemoteRange> &ranges);

} // namespace lpc::backend
