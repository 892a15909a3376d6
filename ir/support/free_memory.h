// Memory that is free, given back to the system.
#pragma once

namespace lpc {

// Whole pages of the heap that hold nothing. Takes some time for each free piece: for after much was freed.
void giveBackFreeMemory();

} // namespace lpc
