// Things of the syntax tree as the author wrote them, for messages.
#pragma once

#include <string>

#include "frontend/ast/ast.h"

namespace lpc::sema {

std::string spelled(const ast::Name &name);             // with quotes where it had them
std::string spelled(const ast::SymbolAddress &address); // "libc.so.6!util.c:helper"
std::string spelled(const ast::Address &address);       // "helper+6", "$fix:entry", "[table+8]"

} // namespace lpc::sema
