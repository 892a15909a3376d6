// Which loaded module is which object of the patch.
#pragma once

#include <vector>

#include "backend/plan.h"

namespace lpc::backend {

// Index into snapshot.modules for each of patch.objects. By build-id where both have one, else by soname, else
// (objects[0]) the program. BuildIdMismatch, UnknownObject.
Result<std::vector<size_t>> matchObjects(const ir::Patch &patch, const runtime::Process &process,
                                         const Snapshot &snapshot);

} // namespace lpc::backend
