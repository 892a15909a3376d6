// Is the ELF file that names are looked up in the program that a process runs?
#pragma once

#include <string>

#include "frontend/pipeline.h"
#include "frontend/target/objects.h"

namespace lpc::driver {

// By build-id where both files have one, else by the bytes of their executable segments: an unstripped twin of a
// stripped program is the same program. BuildIdMismatch, with both sides shown; CannotOpen, NotElf. `patch` names the
// patch file.
Result<void> sameProgram(const std::string &patch, target::Objects &objects, const LiveProcess &live);

} // namespace lpc::driver
