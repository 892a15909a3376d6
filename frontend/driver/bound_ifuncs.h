// Which implementation of an IFUNC a process uses: read from the slots that its objects have bound.
#pragma once

#include <vector>

#include "frontend/pipeline.h"
#include "frontend/target/objects.h"

namespace lpc::driver {

// The implementations of `ifunc`, a symbol of objects.file(object), that slots of the process hold, ascending, each
// once. `objects` are those of the process. Slots that are not bound yet, or bound to another object's symbol, don't
// count.
std::vector<LinkAddress> boundImplementations(size_t object, const target::Symbol &ifunc, target::Objects &objects,
                                              const LiveProcess &live);

} // namespace lpc::driver
