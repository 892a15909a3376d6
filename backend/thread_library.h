// The process's C library, as the maker of a worker thread needs it.
#pragma once

#include "backend/plan.h"
#include "runtime/worker.h"

namespace lpc::backend {

// NoThreads: no glibc with `pthread_create` is loaded or linked into the program, or it can't be read.
Result<runtime::ThreadLibrary> findThreadLibrary(const runtime::Process &process, const Snapshot &snapshot);

} // namespace lpc::backend
