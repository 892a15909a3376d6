// Which pages of a process have content at all.
#pragma once

#include <vector>

#include "runtime/process.h"

namespace lpc::runtime {

// The parts of `range` (page aligned) that are in memory or in swap, ascending, from /proc/PID/pagemap (pagemap, kernel
// Documentation/admin-guide/mm). Pages that were never touched are left out: reading them would make them. Where the
// file can't be read, the whole range.
std::vector<RemoteRange> residentRanges(const Process &process, RemoteRange range);

} // namespace lpc::runtime
