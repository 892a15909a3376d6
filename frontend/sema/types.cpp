// Types agree where a call or a load would not notice the difference: `int` and `unsigned int`, an enumeration and an
// integer of its size, `void *` and every pointer. A structure is known by its name and its size, the same name with
// another size being what a payload gets that was compiled with headers of another version.
#include "frontend/sema/types.h"

#include <algorithm>

#include "frontend/sema/files.h"
#include "frontend/sema/names.h"
#include "frontend/sema/spelling.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

using target::DebugSignature;
using target::DebugType;
using target::VariablePart;
using Kind = DebugType::Kind;

bool unknown(Kind kind) { return kind == Kind::Other || kind == Kind::Function; }
bool differ(uint64_t a, uint64_t b) { return a != 0 && b != 0 && a != b; }
bool differ(const std::string &a, const std::string &b) { return !a.empty() && !b.empty() && a != b; }

bool pointeesAgree(const DebugType &a, const DebugType &b) {
  if (a.pointee == Kind::Void || b.pointee == Kind::Void || unknown(a.pointee) || unknown(b.pointee)) return true;
  if (a.pointee != b.pointee || differ(a.pointeeSize, b.pointeeSize)) return false;
  return a.pointee != Kind::Aggregate || !differ(a.pointeeName, b.pointeeName);
}

bool agree(const DebugType &a, const DebugType &b) {
  if (unknown(a.kind) || unknown(b.kind)) return true;
  if (a.kind != b.kind || differ(a.size, b.size)) return false;
  if (a.kind == Kind::Pointer) return pointeesAgree(a, b);
  return a.kind != Kind::Aggregate || !differ(a.name, b.name);
}

std::string bytes(uint64_t count) { return cat(count, count == 1 ? " byte" : " bytes"); }

std::string shownType(const DebugType &type) {
  return type.name.empty() ? "a type without a name" : cat("`", type.name, "`");
}

// `int`, but "`conn *` to 56 bytes" where the names alone don't tell the two apart.
std::string shownBeside(const DebugType &type, const DebugType &other) {
  if (type.name != other.name || type.name.empty()) return shownType(type);
  if (type.kind == Kind::Pointer) return cat("`", type.name, "` to ", bytes(type.pointeeSize));
  return cat("`", type.name, "` of ", bytes(type.size));
}

std::string prototype(const DebugSignature &signature) {
  auto name = [](const DebugType &type) { return type.name.empty() ? std::string("?") : type.name; };
  std::string out = cat(name(signature.result), " (");
  for (size_t i = 0; i < signature.parameters.size(); i++)
    out += cat(i == 0 ? "" : ", ", name(signature.parameters[i].type));
  if (signature.variadic) out += signature.parameters.empty() ? "..." : ", ...";
  return out + (out.back() == '(' ? "void)" : ")");
}

std::string parameters(size_t count) { return cat(count, count == 1 ? " parameter" : " parameters"); }

// What sets the two apart; empty where they agree.
std::string difference(const DebugSignature &old, const DebugSignature &now, const std::string &name,
                       const std::string &replacement) {
  if (old.parameters.size() != now.parameters.size())
    return cat("`", replacement, "` has ", parameters(now.parameters.size()), ", and `", name,
               "`, which it replaces, has ", old.parameters.size());
  for (size_t i = 0; i < old.parameters.size(); i++)
    if (const DebugType &a = old.parameters[i].type, &b = now.parameters[i].type; !agree(a, b))
      return cat("parameter ", i + 1, " of `", replacement, "` is ", shownBeside(b, a), ", and that of `", name,
                 "`, which it replaces, is ", shownBeside(a, b));
  if (old.variadic != now.variadic)
    return cat("one of `", replacement, "` and `", name, "`, which it replaces, takes a variable number of parameters");
  if (!agree(old.result, now.result))
    return cat("`", replacement, "` returns ", shownBeside(now.result, old.result), ", and `", name,
               "`, which it replaces, returns ", shownBeside(old.result, now.result));
  return {};
}

// How a value can be wrong for a part of a variable.
enum class Fault : uint8_t { None, IntegerIntoPointer, AddressIntoInteger, FloatMixed, Size };

Fault faultOf(ast::Type type, uint64_t width, const VariablePart &part) {
  const DebugType &there = part.type;
  bool real = type == ast::Type::F32 || type == ast::Type::F64, address = type == ast::Type::Addr;
  if (there.kind == Kind::Pointer && !address) return real ? Fault::FloatMixed : Fault::IntegerIntoPointer;
  if (there.kind == Kind::Integer && address) return Fault::AddressIntoInteger;
  if (there.kind == Kind::Float ? !real : there.kind == Kind::Integer && real) return Fault::FloatMixed;
  if (there.kind != Kind::Float && there.kind != Kind::Integer) return Fault::None;
  bool several = part.element && there.size != 0 && width % there.size == 0;
  return differ(there.size, width) && !several ? Fault::Size : Fault::None;
}

std::string valueOfWidth(Kind kind, uint64_t size) {
  if (kind != Kind::Float && kind != Kind::Integer) return {};
  bool known = kind == Kind::Float ? size == 4 || size == 8 : size == 1 || size == 2 || size == 4 || size == 8;
  return known ? cat(kind == Kind::Float ? "`f" : "`i", 8 * size, "`") : "";
}

bool isEntry(const Spot &spot) {
  return spot.symbol != nullptr && spot.addend == 0 && spot.file != nullptr &&
         spot.symbol->kind == target::SymbolKind::Function &&
         spot.symbol->name.find('.') == std::string::npos; // a copy that takes something else
}

} // namespace

target::DebugInfo *Types::debugOf(const Spot &spot) {
  if (spot.memory == nullptr) return spot.file->debugInfo();
  // Of the file itself: of a relocatable object the checker has the shared one that was made of it, which lost the
  // types, and split DWARF stands beside the file.
  const auto &payload = program_.memories[static_cast<size_t>(spot.memory->id)].payload;
  if (!payload) return nullptr;
  auto [known, fresh] = payloads_.try_emplace(spot.memory);
  if (fresh)
    known->second = target::DebugInfo::of(program_.payloads[static_cast<size_t>(*payload)].bytes,
                                          inFolder(context_.options, spot.memory->file->text));
  return known->second.get();
}

void Types::checkReplacement(const Spot &function, const Spot &replacement) {
  if (!isEntry(function) || !isEntry(replacement)) return;
  target::DebugInfo *debug = debugOf(replacement); // the smaller one first
  auto now = debug != nullptr ? debug->signature(*replacement.symbol) : std::nullopt;
  debug = now ? debugOf(function) : nullptr;
  auto old = debug != nullptr ? debug->signature(*function.symbol) : std::nullopt;
  if (!old || !now) return;
  const std::string name = readable(function.symbol->name), other = readable(replacement.symbol->name);
  std::string what = difference(*old, *now, name, other);
  if (what.empty()) return;
  Diagnostic &d = context_.report(DiagnosticId::SignatureMismatch, replacement.place(), what);
  d.notes.push_back({cat("`", name, "` in `", function.owner, "`, and `", other, "` in `", replacement.owner, "`:"),
                     {},
                     {prototype(*old), prototype(*now)}});
}

void Types::checkValue(const Spot &variable, ast::Type type, Place place, uint64_t width) {
  const target::Symbol *symbol = variable.symbol;
  if (symbol == nullptr || symbol->kind != target::SymbolKind::Object || variable.file == nullptr ||
      variable.addend < 0)
    return;
  bool scalar = type != ast::Type::Str && type != ast::Type::Text && type != ast::Type::Cstr && type != ast::Type::Hex;
  target::DebugInfo *debug = scalar ? debugOf(variable) : nullptr;
  if (debug == nullptr) return;
  auto parts = debug->partsAt(*symbol, static_cast<uint64_t>(variable.addend));
  auto good = [&](const VariablePart &part) { return faultOf(type, width, part) == Fault::None; };
  if (parts.empty() || std::ranges::any_of(parts, good)) return; // of a union, one will do
  const VariablePart &part = parts[0];
  const std::string is = cat("`", part.path, "` is ", part.type.kind == Kind::Pointer ? "a pointer, " : "of type ",
                             shownType(part.type)),
                    value = cat("`", ast::name(type), "`"), right = valueOfWidth(part.type.kind, part.type.size);
  switch (faultOf(type, width, part)) {
  case Fault::None: return;
  case Fault::IntegerIntoPointer:
    context_.report(DiagnosticId::TypeMismatch, place, cat(value, " writes an integer, and ", is)).help =
        "`addr` writes an address; `addr 0` is the null pointer";
    return;
  case Fault::AddressIntoInteger:
    context_.report(DiagnosticId::TypeMismatch, place, cat(value, " writes an address, and ", is));
    return;
  case Fault::FloatMixed: {
    Diagnostic &d = context_.report(DiagnosticId::TypeMismatch, place,
                                    cat(value, part.type.kind == Kind::Float ? " does not write" : " writes",
                                        " a floating-point number, and ", is));
    if (!right.empty()) d.help = cat("write it as ", right);
    return;
  }
  case Fault::Size: {
    Diagnostic &d = context_.report(DiagnosticId::VariableSize, place,
                                    cat(value, " writes ", bytes(width), ", and ", is, ", which has ", part.type.size));
    if (!right.empty()) d.help = cat("write all of it, as ", right);
    return;
  }
  }
}

} // namespace lpc::sema
