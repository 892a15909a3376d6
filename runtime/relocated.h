// The words of a loaded object that its relocations write.
#pragma once

#include <vector>

#include "runtime/elf_memory.h"

namespace lpc::runtime {

// Ascending, apart from each other. Those of the dynamic section: RELA, JMPREL, RELR; empty where there are none, or
// none that make sense.
std::vector<RemoteRange> relocatedPlaces(const Process &process, const ElfMemory &object);

} // namespace lpc::runtime
