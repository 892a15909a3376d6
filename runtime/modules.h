// The ELF objects that a process has loaded, in the search order of its dynamic linker.
//
// From the link map (r_debug, <link.h>; found through AT_PHDR of /proc/PID/auxv), completed from the mappings; a static
// program has one module. All of it is data of a process we don't control: bounded, checked, never trusted.
#pragma once

#include <string>
#include <vector>

#include "runtime/maps.h"
#include "runtime/process.h"

namespace lpc::runtime {

struct Module {
  std::string path;   // as the process knows it; for messages
  std::string soname; // DT_SONAME read from its memory; "" for programs
  // Opens the very file that is mapped: /proc/PID/map_files/… (needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE), else
  // /proc/PID/exe, else /proc/PID/root/… where that still is the same file; "" where there is no way to it, and for the
  // vdso. Valid while the process lives and its mappings stay.
  std::string openPath;
  LoadBias bias;
  RemoteRange range; // from its first to its last mapping
  Bytes buildId;     // from its memory (PT_NOTE); empty where there is none
  bool isProgram = false, isLoader = false, isVdso = false;
};

// modules[0] is the program. The vdso comes last. Where the program is not linked dynamically, or its dynamic linker
// has not run yet, what is mapped is all there is to go by. ProcessGone, ProcessChanged; BadAddress where not even the
// program is found.
Result<std::vector<Module>> readModules(const Process &process, const std::vector<Mapping> &maps);

const Module *moduleAt(const std::vector<Module> &modules, RemoteAddress address);

} // namespace lpc::runtime
