// The header statements: `patch`, `target`, `object`.
#pragma once

#include "frontend/sema/context.h"

namespace lpc::sema {

// The patch's name, the program's machine and build-id, the aliases. (That headers stand first and once is the parser's
// part.) Sets Context::program, machine, decoder and brokenObjects, and tells Context::objects the aliases.
void checkHeaders(const ast::File &file, Context &context, Program &out);

} // namespace lpc::sema
