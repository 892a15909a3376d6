// The process's C library, as the maker of a worker thread needs it.
#pragma once

#include "backend/plan.h"
#include "runtime/worker.h"

namespace lpc::backend {

// NoThreads: no glibc with `pthread_create` is loaded or linked into the program, or it can't be read, or memory is
// allocated by the program itself. Where another library allocates, with what is needed for that.
Result<runtime::ThreadLibrary> findThreadLibrary(const runtime::Process &process, const Snapshot &snapshot);

// The libraries besides the C library and the dynamic linker, and the program, that define `calloc`.
std::vector<const runtime::Module *> otherAllocators(const Snapshot &snapshot);

} // namespace lpc::backend
