// `--all`: the processes that a patch is for, and those that it is on.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "frontend/pipeline.h"

namespace lpc::driver {

struct Everyone {
  std::vector<pid_t> pids; // ascending
  size_t notPermitted = 0; // that may not be looked at: the patch could be for them
};

// Every process that runs, or has loaded, an object with one of the build-ids, whatever its path or name; in our PID
// namespace, ourselves left out. Nothing is stopped. A process that comes later, or ends meanwhile, is not waited for:
// who applies to the list looks at each again, and refuses those that became something else.
Everyone everyoneWith(const std::vector<Bytes> &builds);

// Every process on which a patch of that name is.
Everyone everyonePatched(const std::string &name);

// The build-ids of the program that the patch is for. The errors of the patch, as `check` finds them, in the
// compilation; Usage where a target has no build-id.
Result<std::vector<Bytes>> targetBuilds(const Compilation &compilation);

// NothingRuns; `what` is what was looked for.
Error nobody(const Everyone &everyone, const std::string &what);

// "200 processes: 198 applied, 1 busy, 1 gone": the results in the order of their first.
std::string tally(const std::vector<const backend::Outcome *> &outcomes, const Everyone &everyone);

} // namespace lpc::driver
