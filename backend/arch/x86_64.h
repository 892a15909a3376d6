// The x86-64 backend: the row of arch.cpp, and what has a file of its own.
#pragma once

#include "backend/arch/arch.h"

namespace lpc::backend::x86_64 {

const Arch *arch();

// See Arch::isIdle.
bool isIdle(const CodeMemory &memory, uint64_t function, AllowedEffects allowed);
// See Arch::callBefore.
Arch::CallKind callBefore(BytesView bytes);

} // namespace lpc::backend::x86_64
