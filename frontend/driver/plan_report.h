// A plan as text and as JSON.
#pragma once

#include <string>
#include <vector>

#include "backend/plan.h"
#include "ir/support/diagnostic.h"

namespace lpc::driver {

// Memory with its parts, and each change with its bytes before and after; code with its instructions.
std::string planText(pid_t pid, const backend::Plan &plan);

// The document `lpc.plan/1`; `plan` is null where there is none.
std::string planDocument(const std::string &patch, pid_t pid, const backend::Plan *plan,
                         const std::vector<Diagnostic> &diagnostics, const std::string &file, int status);

} // namespace lpc::driver
