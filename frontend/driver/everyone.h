// `--all`: whether a process is one that a patch is for, or that it is on. Each look stops nothing and is short.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "frontend/pipeline.h"

namespace lpc::driver {

struct Sight {
  enum class Kind : uint8_t {
    Other,   // not one of those, or none that can be patched (a kernel's thread, a zombie, another machine's program)
    Hidden,  // may not be looked at, and nothing suggests that it is one
    Moving,  // changed while it was looked at: look again
    Refused, // seems to be one, and cannot be patched: `why`
    Wanted,  // `live`
  } kind = Kind::Other;
  std::optional<LiveProcess> live{};
  std::optional<Error> why{};
};

// What --all looks for.
struct Wanted {
  std::vector<Bytes> builds;          // build-ids, one of which the process runs or has loaded
  std::vector<std::string> fileNames; // by which one is known that may not be looked at
};

// The build-ids of the program, or the library, that the patch is for, and its names. Usage where one has none.
Result<Wanted> wantedBy(const Compilation &compilation);

// Whatever the path or the name: the build-id is read from the process's memory.
Sight lookFor(const Wanted &wanted, pid_t pid);

// The patch of that name is on the process. Of the snapshot only the mappings are there.
Sight lookForPatch(const std::string &name, pid_t pid);

} // namespace lpc::driver
