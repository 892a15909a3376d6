// The syntax tree as text, for `lpc dump --emit ast` and golden tests.
#pragma once

#include <string>

#include "frontend/ast/ast.h"

namespace lpc::ast {

// An indented outline, one node a line, with places ("3:5-3:12"). Deterministic.
std::string outline(const File &file);

// The statement in canonical lp text (one line, no newline). parse(statementText(s)) has the same meaning as s.
std::string statementText(const Statement &statement);

} // namespace lpc::ast
