// What the commands that touch processes share: a text against one or several processes, and what was wrong with it.
#pragma once

#include <vector>

#include "frontend/driver/options.h"
#include "frontend/pipeline.h"

namespace lpc::driver {

// What the options say to the executor.
backend::PlayOptions playOptions(const Arguments &arguments);

// The diagnostics of all attempts, each once, sorted as those of one: processes that run the same program find the
// same.
std::vector<Diagnostic> diagnosticsOf(const std::vector<Attempt> &attempts);

// Whether the attempt failed because of errors of the patch, which its diagnostics say better than its outcome.
bool patchHasErrors(const Attempt &attempt);

// The name of the patch, as far as an attempt came to know it.
std::string patchNameOf(const PatchText &text, const std::vector<Attempt> &attempts);

// The worst of their exit statuses.
int worstStatus(const std::vector<Attempt> &attempts);

// Diagnostics and failed outcomes to standard error, outcomes that are a success to standard output.
void printAttempts(const std::string &command, const PatchText &text, const std::vector<Attempt> &attempts);

} // namespace lpc::driver
