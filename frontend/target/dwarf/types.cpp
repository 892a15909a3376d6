// A type is a chain of entries: typedefs and qualifiers, then what they are about. Chains of a damaged file can be
// rings, and a structure can contain itself: both are followed for so many steps and no more.
#include "frontend/target/dwarf/types.h"

#include <dwarf.h>

#include "frontend/target/dwarf/file.h"
#include "ir/support/cat.h"

namespace lpc::target::dwarf {
namespace {

using Kind = DebugType::Kind;

constexpr unsigned kLongestChain = 32;  // typedefs of typedefs
constexpr unsigned kDeepest = 16;       // members of members
constexpr size_t kMostParts = 16;       // members of a union that begin at one place
constexpr size_t kMostMembers = 20'000; // looked at for one place: each could be a structure with as many
constexpr size_t kMostParameters = 256;
constexpr size_t kLongestTypeName = 200; // templates have names of kilobytes

bool isWrapper(unsigned tag) {
  switch (tag) {
  case DW_TAG_typedef:
  case DW_TAG_const_type:
  case DW_TAG_volatile_type:
  case DW_TAG_restrict_type:
  case DW_TAG_atomic_type:
  case DW_TAG_immutable_type:
  case DW_TAG_shared_type:
  case DW_TAG_packed_type: return true;
  default: return false;
  }
}

bool isAggregate(unsigned tag) {
  return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
         tag == DW_TAG_interface_type;
}

std::optional<Entry> targetOf(const Entry &entry) { return reference(*entry.unit, pick(entry, DW_AT_type)); }

// What a type is about, without what wraps it. Nothing: void, or a damaged chain (`broken`).
std::optional<Entry> unwrapped(std::optional<Entry> type, bool &broken) {
  for (unsigned step = 0; type && isWrapper(type->tag()); step++) {
    Value next = pick(*type, DW_AT_type);
    type = reference(*type->unit, next);
    broken = step > kLongestChain || (next && !type);
    if (broken) return std::nullopt;
  }
  if (!type || !isAggregate(type->tag())) return type;
  // A declaration may say where the type itself is (-fdebug-types-section).
  Value signature = pick(*type, DW_AT_signature);
  if (auto whole = reference(*type->unit, signature)) return whole;
  return type;
}

Kind kindOf(const Entry &type) {
  switch (type.tag()) {
  case DW_TAG_base_type:
    switch (constant(pick(type, DW_AT_encoding)).value_or(0)) {
    case DW_ATE_boolean:
    case DW_ATE_signed:
    case DW_ATE_signed_char:
    case DW_ATE_unsigned:
    case DW_ATE_unsigned_char:
    case DW_ATE_UTF: return Kind::Integer;
    case DW_ATE_float: return Kind::Float;
    default: return Kind::Other;
    }
  case DW_TAG_enumeration_type: return Kind::Integer;
  case DW_TAG_pointer_type:
  case DW_TAG_reference_type:
  case DW_TAG_rvalue_reference_type: return Kind::Pointer;
  case DW_TAG_subroutine_type: return Kind::Function;
  default: return isAggregate(type.tag()) ? Kind::Aggregate : Kind::Other;
  }
}

uint64_t sizeOf(const Entry &type, unsigned depth = 0);

// Elements of a one-dimensional array of known length; those of several dimensions multiply.
uint64_t elementsOf(const Entry &array) {
  uint64_t all = 1;
  walk(array, [&](const Entry &range, unsigned, uint64_t &) {
    if (range.tag() != DW_TAG_subrange_type) return Step::Over;
    auto [count, upper] = pick(range, {DW_AT_count, DW_AT_upper_bound});
    uint64_t size = 0;
    if (auto stated = constant(count)) size = *stated;
    if (auto last = constant(upper); last && *last < UINT32_MAX) size = *last + 1;
    if (__builtin_mul_overflow(all, size, &all)) all = 0;
    return Step::Over;
  });
  return all;
}

uint64_t sizeOf(const Entry &type, unsigned depth) {
  if (auto size = constant(pick(type, DW_AT_byte_size))) return *size;
  if (kindOf(type) == Kind::Pointer) return type.unit->addressSize;
  if (type.tag() != DW_TAG_array_type || depth > kDeepest) return 0;
  bool broken = false;
  auto element = unwrapped(targetOf(type), broken);
  uint64_t size = 0;
  return element && !__builtin_mul_overflow(sizeOf(*element, depth + 1), elementsOf(type), &size) ? size : 0;
}

std::string plainName(const Entry &type) {
  std::string name(pick(type, DW_AT_name) ? nameOf(type) : "");
  if (name.size() > kLongestTypeName) name.resize(kLongestTypeName);
  return name;
}

DebugType describe(std::optional<Entry> type, bool broken) {
  if (broken) return {};
  if (!type) return {.kind = Kind::Void, .name = "void"};
  DebugType out{.kind = kindOf(*type), .size = sizeOf(*type), .name = plainName(*type)};
  if (out.kind != Kind::Pointer) return out;
  bool lost = false;
  Value to = pick(*type, DW_AT_type);
  auto pointee = unwrapped(reference(*type->unit, to), lost);
  lost = lost || (to && !pointee && !reference(*type->unit, to));
  if (lost) return out;
  out.pointee = pointee ? kindOf(*pointee) : Kind::Void;
  out.pointeeSize = pointee ? sizeOf(*pointee) : 0;
  out.pointeeName = pointee ? plainName(*pointee) : "void";
  if (out.pointee == Kind::Pointer) out.pointeeName = describe(pointee, false).name;
  const char *mark = type->tag() == DW_TAG_pointer_type ? " *" : " &";
  out.name = out.pointeeName.empty() ? cat("pointer") : cat(out.pointeeName, out.pointee == Kind::Pointer ? "*" : mark);
  return out;
}

// Where a member begins (5.7.6): a number, or, before version 4, an expression that adds one. Nothing for virtual
// bases.
std::optional<uint64_t> offsetOf(const Value &location) {
  if (!location) return 0; // of a union
  if (location.block.empty()) return constant(location);
  Cursor cursor(location.block, 1);
  uint64_t offset = cursor.uleb();
  bool plain = location.block[0] == DW_OP_plus_uconst && cursor && cursor.at() == location.block.size();
  return plain ? std::optional(offset) : std::nullopt;
}

// Members at one place of a type.
class Parts {
public:
  void add(std::optional<Entry> type, uint64_t offset, std::string path, bool element, unsigned depth) {
    bool broken = false;
    type = unwrapped(std::move(type), broken);
    if (!type || broken || depth > kDeepest || found.size() >= kMostParts) return;
    if (type->tag() == DW_TAG_array_type) return addElement(*type, offset, std::move(path), depth);
    if (isAggregate(type->tag())) return addMembers(*type, offset, path, element, depth);
    if (offset == 0) found.push_back({std::move(path), describe(type, false), element});
  }

  std::vector<VariablePart> found;

private:
  void addElement(const Entry &array, uint64_t offset, std::string path, unsigned depth) {
    bool broken = false;
    auto element = unwrapped(targetOf(array), broken);
    uint64_t size = element && !broken ? sizeOf(*element) : 0;
    if (size != 0) add(element, offset % size, path + "[]", true, depth + 1);
  }

  void addMembers(const Entry &type, uint64_t offset, const std::string &path, bool element, unsigned depth) {
    walk(type, [&](const Entry &member, unsigned, uint64_t &) {
      if (++looked_ > kMostMembers) return Step::Stop;
      if (member.tag() != DW_TAG_member && member.tag() != DW_TAG_inheritance) return Step::Over;
      auto [place, bits, oldBits, name, isStatic] =
          pick(member, {DW_AT_data_member_location, DW_AT_bit_size, DW_AT_data_bit_offset, DW_AT_name, DW_AT_external});
      auto begin = offsetOf(place);
      if (bits || oldBits || flag(isStatic) || !begin || *begin > offset) return Step::Over;
      bool broken = false;
      auto target = unwrapped(targetOf(member), broken);
      if (!target || broken || offset - *begin >= sizeOf(*target)) return Step::Over;
      std::string_view own = text(*member.unit, name);
      add(target, offset - *begin, own.empty() ? path : cat(path, ".", own.substr(0, kLongestTypeName)), element,
          depth + 1);
      return found.size() < kMostParts ? Step::Over : Step::Stop;
    });
  }

  size_t looked_ = 0;
};

} // namespace

Entry originOf(Entry entry, unsigned steps) {
  for (; steps > 0; steps--) {
    auto [origin, specification] = pick(entry, {DW_AT_abstract_origin, DW_AT_specification});
    auto next = reference(*entry.unit, origin ? origin : specification);
    if (!next) break;
    entry = *next;
  }
  return entry;
}

namespace {

// An attribute of the entry, or of what it refers to, whichever has it first; with the entry that has it.
std::pair<Entry, Value> inherited(Entry entry, uint16_t name) {
  for (unsigned step = 0;; step++) {
    Value value = pick(entry, name);
    Entry next = originOf(entry, 1);
    if (value || next == entry || step > 8) return {entry, value};
    entry = next;
  }
}

} // namespace

std::string_view nameOf(const Entry &entry) {
  auto [owner, value] = inherited(entry, DW_AT_name);
  return text(*owner.unit, value);
}

std::string_view linkageNameOf(const Entry &entry) {
  auto [owner, value] = inherited(entry, DW_AT_linkage_name);
  if (!value) std::tie(owner, value) = inherited(entry, DW_AT_MIPS_linkage_name);
  return text(*owner.unit, value);
}

DebugType typeOf(const Entry &entry) {
  auto [owner, value] = inherited(entry, DW_AT_type);
  auto type = reference(*owner.unit, value);
  bool broken = value && !type;
  type = unwrapped(type, broken);
  return describe(type, broken);
}

std::optional<DebugSignature> signatureOf(const Entry &function) {
  constexpr uint64_t kNoCall = DW_CC_nocall; // the compiler changed what it takes
  if (constant(inherited(function, DW_AT_calling_convention).second) == kNoCall) return std::nullopt;
  DebugSignature out{.result = typeOf(function)};
  // The abstract function has all parameters as they were written; the code of it may have lost some.
  Entry source = function;
  if (auto origin = reference(*function.unit, pick(function, DW_AT_abstract_origin))) source = *origin;
  bool tooMany = false;
  walk(source, [&](const Entry &child, unsigned, uint64_t &) {
    if (child.tag() == DW_TAG_unspecified_parameters) out.variadic = true;
    if (child.tag() != DW_TAG_formal_parameter) return Step::Over;
    tooMany = out.parameters.size() >= kMostParameters;
    if (!tooMany) out.parameters.push_back({std::string(nameOf(child)), typeOf(child)});
    return tooMany ? Step::Stop : Step::Over;
  });
  return tooMany ? std::nullopt : std::optional(std::move(out));
}

std::vector<VariablePart> partsOf(const Entry &variable, uint64_t offset) {
  auto [owner, value] = inherited(variable, DW_AT_type);
  Parts parts;
  parts.add(reference(*owner.unit, value), offset, std::string(nameOf(variable)), false, 0);
  return std::move(parts.found);
}

} // namespace lpc::target::dwarf
