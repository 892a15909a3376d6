// The functions through which a process's dynamic linker is asked to load objects.
#pragma once

#include "backend/plan.h"

namespace lpc::backend {

struct DynamicLinker {
  RemoteAddress open, close, error; // dlopen, dlclose, dlerror
};

// glibc's: in libc.so.6 since 2.34, before that in libdl.so.2, where the process has loaded it. NoDynamicLinker.
Result<DynamicLinker> findDynamicLinker(const runtime::Process &process, const Snapshot &snapshot);

} // namespace lpc::backend
