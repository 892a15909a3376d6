// The syntax tree: what the author wrote, nothing resolved. A value type, made by frontend/parse, printed by
// print.h, read by frontend/sema. Every node that a message can be about has a place.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/patch.h"
#include "ir/support/boxed.h"
#include "ir/support/bytes.h"
#include "ir/support/source.h"

namespace lpc::ast {

// A word or quoted text that names something.
struct Name {
  std::string text;
  bool quoted = false;
  Place place{};
  bool operator==(const Name &) const = default;
};

// An integer as written: sign and magnitude. Ranges are sema's business (they depend on the type).
struct Integer {
  bool negative = false;
  uint64_t magnitude = 0;
  std::string spelling;
  Place place{};
  bool operator==(const Integer &) const = default;
};

// --- addresses ----------------------------------------------------------------------------------------------

// SYMBOL, OBJECT!SYMBOL, FILE.c:SYMBOL, OBJECT!FILE.c:SYMBOL
struct SymbolAddress {
  Seldom<Name> object;
  Seldom<Name> sourceFile;
  Name symbol;
  bool operator==(const SymbolAddress &) const = default;
};
struct AbsoluteAddress { // INT
  Integer value;
  bool operator==(const AbsoluteAddress &) const = default;
};
struct ObjectAddress { // OBJECT!INT
  Name object;
  Integer value;
  bool operator==(const ObjectAddress &) const = default;
};
struct MemoryAddress { // $NAME, $NAME:SYMBOL, $NAME:INT
  Name memory;         // without the $
  std::variant<std::monostate, Name, Integer> member;
  bool operator==(const MemoryAddress &) const = default;
};
struct Address;
struct LoadedAddress {                    // [ADDR]
  std::shared_ptr<const Address> pointer; // never null
  bool operator==(const LoadedAddress &other) const;
};
struct Displacement { // + INT, - INT
  bool minus = false;
  Integer value;
  bool operator==(const Displacement &) const = default;
};
struct Address {
  std::variant<SymbolAddress, AbsoluteAddress, Boxed<ObjectAddress>, Boxed<MemoryAddress>, LoadedAddress> base;
  std::vector<Displacement> displacements;
  Place place{};
  bool operator==(const Address &) const = default;
};

// --- values -------------------------------------------------------------------------------------------------

enum class Type : uint8_t { Int, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64, Str, Text, Cstr, Hex, Addr };

struct Real {
  double value = 0; // f32 values are rounded by sema
  std::string spelling;
  bool operator==(const Real &) const; // by spelling: nan equals itself
};
struct Value {
  // integers for Int to U64; Real for F32, F64; bytes as they will stand in memory for Str, Text, Cstr (with its 0),
  // Hex; an address for Addr
  std::variant<Integer, Real, Bytes, Boxed<Address>> data;
  Place place{};
  bool operator==(const Value &) const = default;
};

// --- statements ---------------------------------------------------------------------------------------------

struct PatchHeader {
  Name name;
  std::optional<Name> version;
  bool operator==(const PatchHeader &) const = default;
};
struct TargetHeader {
  Name file;
  std::optional<Bytes> buildId;
  bool operator==(const TargetHeader &) const = default;
};
struct ObjectHeader {
  Name name;
  Name file;
  std::optional<Bytes> buildId;
  bool operator==(const ObjectHeader &) const = default;
};
struct New {
  Name name;
  Integer size;
  std::optional<ir::Permission> permission;
  bool operator==(const New &) const = default;
};
struct Load {
  Name name;
  Name file;
  std::optional<ir::Permission> permission;
  bool operator==(const Load &) const = default;
};
struct With { // SYMBOL = ADDR
  Name symbol;
  Address address;
  bool operator==(const With &) const = default;
};
struct Dl {
  Name name;
  Name file;
  std::vector<With> with;
  bool operator==(const Dl &) const = default;
};
struct Dlopen {
  Name name;
  Name file;
  bool operator==(const Dlopen &) const = default;
};
struct Set {
  Address at;
  Type type = Type::Int;
  Place typePlace{};
  Value value;
  Seldom<Value> was; // of the same type
  bool operator==(const Set &) const = default;
};
struct Jmp {
  Address from;
  Address to;
  bool operator==(const Jmp &) const = default;
};
struct Hook {
  Address function;
  Address to;
  Boxed<Address> original; // the pointer that receives the address of the function's old code
  bool operator==(const Hook &) const = default;
};
struct Asm {
  bool att = false;                  // AT&T's syntax, not Intel's
  std::variant<Address, Name> where; // in place, or the name of new memory
  std::string text;                  // between the braces, with its newlines
  Place textPlace{};                 // of it
  bool operator==(const Asm &) const = default;
};

struct Return {
  Address function; // without displacements
  std::optional<Integer> value;
  bool operator==(const Return &) const = default;
};
struct Nop {
  Address at;
  Integer size;
  bool operator==(const Nop &) const = default;
};
struct Got {
  Name symbol;
  Address to;
  Seldom<Name> object;
  bool operator==(const Got &) const = default;
};
struct Expect {
  Address at;
  Type type = Type::Int;
  Place typePlace{};
  Value value;
  bool operator==(const Expect &) const = default;
};
struct Quiesce {
  std::vector<Address> functions; // at least one
  bool operator==(const Quiesce &) const = default;
};
struct On { // MOMENT call ADDR [INT …]
  ir::Moment moment = ir::Moment::PreApply;
  Address function;
  std::vector<Integer> arguments;
  bool operator==(const On &) const = default;
};
struct Let {
  Name name; // without the $
  Address address;
  bool operator==(const Let &) const = default;
};

struct Statement {
  std::variant<PatchHeader, TargetHeader, ObjectHeader, New, Load, Dl, Dlopen, Set, Jmp, Hook, Asm, Return, Nop, Got,
               Expect, Quiesce, On, Let>
      what;
  Place place{};
  bool operator==(const Statement &) const = default;
};

struct File {
  std::list<Statement> statements; // those that parsed, in order; one by one on the heap, so that each can be let go
  bool operator==(const File &) const = default;
};

// The alternative that stands in a box; null where another one is there.
template <class T, class... All> const T *boxed(const std::variant<All...> &variant) {
  const auto *box = std::get_if<Boxed<T>>(&variant);
  return box != nullptr ? &**box : nullptr;
}

// "int", "i8", …: the word of the language.
std::string_view name(Type type);
std::optional<Type> typeNamed(std::string_view word);

} // namespace lpc::ast
