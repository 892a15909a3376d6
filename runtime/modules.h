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
  std::string path;      // as the process knows it; for messages
  std::string soname;    // DT_SONAME read from its memory; "" for programs
  std::string openPath;  // opens the very file that is mapped: /proc/PID/map_files/…, else /proc/PID/root/…, else /proc/PID/exe
  LoadBias bias;
  RemoteRange range;     // from its first to its last mapping
  Bytes buildId;         // from its memory (PT_NOTE); empty where there is none
  bool isProgram = false, isLoader = false, isVdso = false;
};

// modules[0] is the program. The vdso comes last.
Result<std::vector<Module>> readModules(const Process &process, const std::vector<Mapping> &maps);

const Module *moduleAt(const std::vector<Module> &modules, RemoteAddress address);

} // namespace lpc::runtime
