// What everybody may know of a process, also who may not look into it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lpc::runtime {

// When it was started, in clock ticks since boot: with its id, what names a process for ever. Nothing when it is gone.
std::optional<uint64_t> startTimeOf(pid_t pid);

// What it calls itself: the first word of its command line, else its comm. Both are for it to choose.
std::string callsItself(pid_t pid);

// Whether it seems to have a file of that name (the last part of a path) loaded: by its mappings where they can be
// read, else by what it calls itself. No proof either way.
bool seemsToHave(pid_t pid, const std::string &fileName);

} // namespace lpc::runtime
