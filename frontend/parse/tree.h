// From ANTLR's parse tree to the syntax tree.
#pragma once

#include <optional>

#include "frontend/ast/ast.h"
#include "frontend/parse/word.h"
#include "ir/support/diagnostic.h"

namespace antlr4 {
class ParserRuleContext;
class Token;
} // namespace antlr4

namespace lpc::parsing {

// The text that a parse tree was made from: its tokens count code points of `decoded`, `text` has the bytes.
struct Excerpt {
  std::string_view text;
  Decoded decoded;

  [[nodiscard]] Word word(const antlr4::Token &token) const;
};

// The statement of a tree without errors (a LivePatch::StatementContext). Nothing where a literal in it has no value:
// that is reported, the first one alone.
std::optional<ast::Statement> readStatement(antlr4::ParserRuleContext &statement, const Excerpt &excerpt,
                                            Diagnostics &diagnostics);

} // namespace lpc::parsing
