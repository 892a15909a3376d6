// Diagnostics in JSON, as every document has them.
#pragma once

#include <vector>

#include "frontend/driver/json.h"
#include "ir/support/diagnostic.h"

namespace lpc::driver {

// The field `diagnostics`. `file` is the patch file; line and columns are null where a message has no place.
void writeDiagnostic(Json &json, const Diagnostic &diagnostic, const std::string &file); // the fields of one
void writeDiagnostics(Json &json, const std::vector<Diagnostic> &diagnostics, const std::string &file);

} // namespace lpc::driver
