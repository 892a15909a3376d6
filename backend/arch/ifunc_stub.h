// A stub for an indirect function (STT_GNU_IFUNC, the GNU gABI extension): what a payload calls instead of the symbol.
//
// The symbol's address is that of a resolver, which picks the implementation for this processor. The stub calls it when
// it is first reached, on a thread of the program and in its own context, exactly as lazy binding would, keeps the
// result in a slot, and jumps there. So nothing of the process has to be run to link a payload.
#pragma once

#include "ir/machine/machine.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::backend {

// Bytes of one stub; a multiple of 16.
uint64_t ifuncStubSize(Machine machine);

// The stub to stand at `at`. `slot` is a writable pointer that starts as ifuncSlotStart(machine, at); both are within 2
// GiB of each other.
Bytes ifuncStub(Machine machine, RemoteAddress at, RemoteAddress slot, RemoteAddress resolver);
RemoteAddress ifuncSlotStart(Machine machine, RemoteAddress at);

// The stub of an indirect function that a payload defines itself: its resolver is called before the payload's code
// may run, and what it returns stands in the slot. slotJumpSize() bytes, a multiple of 16; only the distance of the two
// addresses counts.
Bytes slotJump(Machine machine, uint64_t at, uint64_t slot);
uint64_t slotJumpSize(Machine machine);

} // namespace lpc::backend
