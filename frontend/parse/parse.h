// Text to syntax tree, through the ANTLR grammar in grammar/LivePatch.g4. The only place that sees ANTLR.
#pragma once

#include "frontend/ast/ast.h"
#include "ir/support/diagnostic.h"
#include "ir/support/source.h"

namespace lpc {

// Every statement of `source` that parses, in order. Each line that does not parse adds exactly one diagnostic and
// hides nothing in the others. Never throws; hostile text (any bytes, any length, any nesting) is safe.
ast::File parse(const SourceText &source, Diagnostics &diagnostics);

} // namespace lpc
