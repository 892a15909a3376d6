// What numbers and strings of the language mean. The lexer finds where they are; these say their value, or why they
// have none. All take the word as written and know nothing of places.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "frontend/ast/ast.h"
#include "ir/support/bytes.h"
#include "ir/support/diagnostic.h"

namespace lpc::parsing {

struct LiteralError {
  DiagnosticId id{};
  std::string message;
  size_t offset = 0, length = 0; // bytes of the word that are wrong
  std::string help{};
};
template <class T> using Literal = std::expected<T, LiteralError>;

// INT. BadInteger, IntegerOutOfRange (magnitude beyond 64 bits). The place of the result is not set.
Literal<ast::Integer> readInteger(std::string_view word);

// Floating point. BadFloat, also for what is too large for 64 bits; what is too small becomes 0, as in C.
Literal<ast::Real> readReal(std::string_view word);

// STRING with its quotes. BadString.
Literal<std::string> readString(std::string_view word);

// A run of hexadecimal digits in pairs. BadHex.
Literal<Bytes> readHex(std::string_view word);

// `word` between backticks, cut where it is long.
std::string inTicks(std::string_view word);

} // namespace lpc::parsing
