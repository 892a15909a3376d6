// Patches that have been through the front end before, the IR's text form and bundles: read in place of being compiled.
#pragma once

#include "frontend/pipeline.h"

namespace lpc {

// Whether `text` is the IR's text form or a bundle.
bool isResolved(std::string_view text);

// The patch; of a bundle the build for the process or, without one, for the program that --target names.
// BuildIdMismatch is a refusal that names the builds which the bundle has; --object, and --target with the text form,
// are wrong usage.
Compilation readResolved(const PatchText &text, const Names &names, const LiveProcess *live);

} // namespace lpc
