// From ANTLR's parse tree to the syntax tree.
#pragma once

#include <optional>

#include "frontend/ast/ast.h"
#include "ir/support/diagnostic.h"

namespace antlr4 {
class ParserRuleContext;
} // namespace antlr4

namespace lpc::parsing {

class Words;

// The statement of a tree without errors (a LivePatch::StatementContext), made of `words`. Nothing where a literal in
// it has no value: that is reported, the first one alone.
std::optional<ast::Statement> readStatement(antlr4::ParserRuleContext &statement, const Words &words,
                                            Diagnostics &diagnostics);

} // namespace lpc::parsing
