// Which of the objects that a process has loaded is the ELF file that names are looked up in?
#pragma once

#include <string>

#include "frontend/pipeline.h"
#include "frontend/target/objects.h"

namespace lpc::driver {

// The index of the module: the program, or a library where the file is one. By build-id where both have one, else by
// the bytes of their executable segments: an unstripped twin of a stripped program is the same program.
// BuildIdMismatch, with both sides shown; CannotOpen, NotElf. `patch` names the patch file.
Result<size_t> moduleOfTarget(const std::string &patch, const target::ElfFile &given, const LiveProcess &live);

} // namespace lpc::driver
