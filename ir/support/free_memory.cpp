// glibc gives back only what is free at the end of the heap: what was freed below something that lives on stays the
// process's until malloc_trim (malloc_trim(3), since 2.8 for the whole heap).
#include "ir/support/free_memory.h"

#include <malloc.h>

namespace lpc {

void giveBackFreeMemory() { malloc_trim(0); }

} // namespace lpc
