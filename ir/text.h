// The text form of the IR (`.lpir`, `lpc dump --emit ir`): parseText(printText(p)) == p for every verified p.
#pragma once

#include <string>
#include <string_view>

#include "ir/patch.h"
#include "ir/support/result.h"

namespace lpc::ir {

std::string printText(const Patch &patch);

// BadIr with line and column in the message; the result is verified.
Result<Patch> parseText(std::string_view text);

} // namespace lpc::ir
