// Sums wrap as the processor's do: an addend is a signed number that was added to an address.
#include "backend/references.h"

#include "ir/support/cat.h"

namespace lpc::backend {

Result<bool> writeReference(const ir::Reference &reference, RemoteAddress target, RemoteAddress code, Bytes &bytes) {
  constexpr int64_t kFromTheEnd = -4; // of a displacement that ends its instruction
  RemoteAddress field = code + reference.offset;
  uint64_t value = target.value + static_cast<uint64_t>(reference.addend);
  bool branch = reference.kind == ReferenceKind::Branch32, fits = true;
  if (branch || reference.kind == ReferenceKind::Relative32) value -= field.value;
  auto number = static_cast<int64_t>(value);
  switch (reference.kind) {
  case ReferenceKind::Whole64: storeLittle(std::span(bytes).subspan(reference.offset, 8), value); return true;
  case ReferenceKind::Relative32:
  case ReferenceKind::Branch32:
  case ReferenceKind::Signed32: fits = static_cast<int32_t>(number) == number; break;
  case ReferenceKind::Unsigned32: fits = static_cast<uint32_t>(value) == value; break;
  }
  if (!fits && branch && reference.addend == kFromTheEnd) return false; // a detour leads to the symbol, not beside it
  if (!fits)
    return std::unexpected(
        Error{DiagnosticId::RelocationOverflow,
              cat("the code at ", hexAddress(field), " cannot reach ", hexAddress(target), " with 32 bits"),
              {},
              "take the whole address, `movabs rax, offset NAME`, and go on from there"});
  storeLittle(std::span(bytes).subspan(reference.offset, 4), static_cast<uint32_t>(value));
  return true;
}

} // namespace lpc::backend
