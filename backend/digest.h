// The identity of a patch's content: what decides whether a patch of the same name is the same patch.
#pragma once

#include "ir/patch.h"
#include "ir/support/bytes.h"

namespace lpc::backend {

// SHA-256 over the IR without places, paths and comments: 32 bytes. Two files that do the same
// to the same build, formatted differently, have the same digest.
Bytes digestOf(const ir::Patch &patch);

} // namespace lpc::backend
