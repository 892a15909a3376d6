// Where the dynamic linker (ld.so(8), glibc 2.36) would find a library: DT_RPATH, LD_LIBRARY_PATH is ignored (we don't
// know the process's), DT_RUNPATH, /etc/ld.so.cache, the default folders. $ORIGIN, $LIB and $PLATFORM are expanded.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontend/target/elf_file.h"

namespace lpc::target {

// `program` stands at `programPath`. All paths are below `root` ("" for our own).
// The transitive closure of DT_NEEDED in breadth-first (search) order, without the program itself; each as path.
struct FoundLibrary {
  std::string soname; // as needed
  std::string path;   // empty: not found
};
std::vector<FoundLibrary> findLibraries(const ElfFile &program, const std::string &programPath,
                                        const std::string &root = "");

// Path of a separate debug file of `file`, or nothing: /usr/lib/debug/.build-id/ab/cdef….debug, then .gnu_debuglink
// beside the file, in its .debug folder, and below /usr/lib/debug (with the CRC checked).
std::optional<std::string> findDebugFile(const ElfFile &file, const std::string &filePath,
                                         const std::string &root = "");

} // namespace lpc::target
