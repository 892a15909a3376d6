// Values of the fixed types, as the bytes that will stand in memory.
#pragma once

#include "frontend/sema/context.h"

namespace lpc::sema {

// All types but `addr`. IntegerOutOfRange, EmptyValue.
std::optional<Bytes> encode(ast::Type type, const ast::Value &value, Context &context);

// Is the width given by the type, and not by the value's length?
bool hasFixedWidth(ast::Type type);

} // namespace lpc::sema
