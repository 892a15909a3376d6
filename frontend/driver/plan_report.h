// A plan as text and as JSON.
#pragma once

#include <string>
#include <vector>

#include "frontend/pipeline.h"
#include "ir/support/diagnostic.h"

namespace lpc::driver {

// Memory with its parts, and each change with its bytes before and after; code with its instructions; the threads with
// what stands in the way. `planned` has a plan.
std::string planText(const Attempt &planned);

// The document `lpc.plan/1`, whether there is a plan or not.
std::string planDocument(const std::string &patch, const Attempt &attempt, const std::vector<Diagnostic> &diagnostics,
                         const std::string &file, int status);

} // namespace lpc::driver
