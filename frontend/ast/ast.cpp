// The parts of the tree that are more than data: type words, and equality where the members' own would be wrong.
#include "frontend/ast/ast.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lpc::ast {

namespace {

constexpr std::array<std::pair<Type, std::string_view>, 16> kTypes = {{
    {Type::Int, "int"},
    {Type::I8, "i8"},
    {Type::I16, "i16"},
    {Type::I32, "i32"},
    {Type::I64, "i64"},
    {Type::U8, "u8"},
    {Type::U16, "u16"},
    {Type::U32, "u32"},
    {Type::U64, "u64"},
    {Type::F32, "f32"},
    {Type::F64, "f64"},
    {Type::Str, "str"},
    {Type::Text, "text"},
    {Type::Cstr, "cstr"},
    {Type::Hex, "hex"},
    {Type::Addr, "addr"},
}};

} // namespace

std::string_view name(Type type) {
  return std::ranges::find(kTypes, type, [](const auto &row) { return row.first; })->second;
}

std::optional<Type> typeNamed(std::string_view word) {
  const auto *row = std::ranges::find(kTypes, word, [](const auto &entry) { return entry.second; });
  return row == kTypes.end() ? std::nullopt : std::optional(row->first);
}

bool LoadedAddress::operator==(const LoadedAddress &other) const {
  if (pointer == other.pointer) return true;
  return pointer && other.pointer && *pointer == *other.pointer;
}

bool Real::operator==(const Real &other) const { return spelling == other.spelling; }

} // namespace lpc::ast
