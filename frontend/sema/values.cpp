// Integer ranges and encodings. A number that does not fit is never truncated.
//
// `int` is the type of 2004, whose strtol and truncation took 0xffffffff for -1: it accepts the signed and the unsigned
// range of its four bytes, between which no number has two meanings.
#include "frontend/sema/values.h"

#include <bit>
#include <cmath>

#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

struct IntegerType {
  unsigned width = 0;
  uint64_t lowest = 0; // magnitude of the least number, which is negative or 0
  uint64_t highest = 0;
};

constexpr IntegerType signedType(unsigned width) {
  uint64_t half = uint64_t{1} << (8 * width - 1);
  return {width, half, half - 1};
}
constexpr IntegerType unsignedType(unsigned width) {
  return {width, 0, width == 8 ? UINT64_MAX : (uint64_t{1} << (8 * width)) - 1};
}

std::optional<IntegerType> integerType(ast::Type type) {
  switch (type) {
  case ast::Type::Int: return IntegerType{4, uint64_t{1} << 31, UINT32_MAX};
  case ast::Type::I8: return signedType(1);
  case ast::Type::I16: return signedType(2);
  case ast::Type::I32: return signedType(4);
  case ast::Type::I64: return signedType(8);
  case ast::Type::U8: return unsignedType(1);
  case ast::Type::U16: return unsignedType(2);
  case ast::Type::U32: return unsignedType(4);
  case ast::Type::U64: return unsignedType(8);
  case ast::Type::F32:
  case ast::Type::F64:
  case ast::Type::Str:
  case ast::Type::Text:
  case ast::Type::Cstr:
  case ast::Type::Hex:
  case ast::Type::Addr: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Bytes> encodeInteger(ast::Type type, const IntegerType &range, const ast::Integer &value,
                                   Context &context) {
  uint64_t limit = value.negative ? range.lowest : range.highest;
  if (value.magnitude > limit) {
    std::string lowest = range.lowest == 0 ? "0" : cat("-", range.lowest);
    context.report(
        DiagnosticId::IntegerOutOfRange, value.place,
        cat("`", value.spelling, "` does not fit `", ast::name(type), "`, which is ", lowest, " to ", range.highest));
    return std::nullopt;
  }
  Bytes out;
  appendLittle(out, value.negative ? 0 - value.magnitude : value.magnitude, range.width);
  return out;
}

std::optional<Bytes> encodeReal(ast::Type type, const ast::Real &value, Place place, Context &context) {
  Bytes out;
  if (type == ast::Type::F64) {
    appendLittle(out, std::bit_cast<uint64_t>(value.value), 8);
    return out;
  }
  auto narrow = static_cast<float>(value.value); // to the nearest, as a compiler does
  bool overflow = std::isinf(narrow) && !std::isinf(value.value), underflow = narrow == 0 && value.value != 0;
  if (overflow || underflow) {
    context.report(DiagnosticId::IntegerOutOfRange, place,
                   cat("`", value.spelling, "` does not fit `f32`: it is ",
                       overflow ? "beyond its largest number" : "closer to 0 than any of its numbers"));
    return std::nullopt;
  }
  appendLittle(out, std::bit_cast<uint32_t>(narrow), 4);
  return out;
}

} // namespace

std::optional<Bytes> encode(ast::Type type, const ast::Value &value, Context &context) {
  if (auto range = integerType(type)) return encodeInteger(type, *range, std::get<ast::Integer>(value.data), context);
  if (const auto *real = std::get_if<ast::Real>(&value.data)) return encodeReal(type, *real, value.place, context);
  const Bytes &bytes = std::get<Bytes>(value.data);
  if (!bytes.empty()) return bytes;
  context.report(DiagnosticId::EmptyValue, value.place,
                 cat("`", ast::name(type), "` has no bytes here, so there is nothing to write"));
  return std::nullopt;
}

bool hasFixedWidth(ast::Type type) {
  return type != ast::Type::Str && type != ast::Type::Text && type != ast::Type::Cstr && type != ast::Type::Hex;
}

} // namespace lpc::sema
