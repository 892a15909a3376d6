// The one layout of a patch.
#pragma once

#include <optional>
#include <string>

#include "ir/support/diagnostic.h"
#include "ir/support/source.h"

namespace lpc {

// The text of `source` in canonical layout, with its comments; formatting it again changes nothing, and it parses to
// the same statements. Nothing where a line does not parse, which is reported.
std::optional<std::string> format(const SourceText &source, Diagnostics &diagnostics);

} // namespace lpc
