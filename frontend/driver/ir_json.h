// The IR as JSON, for programs that want to know what a patch does: `lpc dump --emit json`.
#pragma once

#include <string>

#include <vector>

#include "ir/patch.h"

namespace lpc::driver {

// The document `lpc.ir/1`. Payloads are given by size and SHA-256; the text form is the one that can be read back.
std::string irDocument(const ir::Patch &patch);

// The document `lpc.bundle/1`: the bundle's digest, and each build with the fields of `lpc.ir/1`.
std::string bundleDocument(const std::vector<const ir::Patch *> &builds, const Bytes &digest);

} // namespace lpc::driver
