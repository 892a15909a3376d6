// Addresses in assembled code.
#pragma once

#include "ir/patch.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::backend {

// Writes the address of `target` into `bytes`, the code that is to stand at `code`. False where it is a branch that
// can't reach it and may take a detour. RelocationOverflow where there is no other way.
Result<bool> writeReference(const ir::Reference &reference, RemoteAddress target, RemoteAddress code, Bytes &bytes);

} // namespace lpc::backend
