// Where the dynamic linker (ld.so(8), glibc 2.36) would find a library: DT_RPATH, LD_LIBRARY_PATH is ignored (we don't
// know the process's), DT_RUNPATH, /etc/ld.so.cache, the default folders. $ORIGIN, $LIB and $PLATFORM are expanded.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/target/elf_file.h"

namespace lpc::target {

// `program` stands at `programPath`. All paths are below `root` ("" for our own): `programPath` and what is in the
// files are without it, those that are returned are with it and can be opened as they are. The transitive closure of
// DT_NEEDED in breadth-first (search) order, without the program itself; each as path.
struct FoundLibrary {
  std::string soname;                  // as needed
  std::string path;                    // empty: not found
  std::shared_ptr<const ElfFile> file; // open already, for its own DT_NEEDED; named by its path
};
std::vector<FoundLibrary> findLibraries(const ElfFile &program, const std::string &programPath,
                                        const std::string &root = "");

// Path of a separate debug file of `file`, or nothing: /usr/lib/debug/.build-id/ab/cdef….debug, then .gnu_debuglink
// beside the file, in its .debug folder, and below /usr/lib/debug (with the build-id, or without one the CRC, checked).
// Files that stand where a debug file would and belong to another build are added to `others`.
std::optional<std::string> findDebugFile(const ElfFile &file, const std::string &filePath, const std::string &root = "",
                                         std::vector<std::string> *others = nullptr);

} // namespace lpc::target
