// Backwards from a return address. Bytes that merely look like a call, for instructions cannot be read backwards, are
// taken for one.
#include "backend/arch/x86_64.h"

namespace lpc::backend::x86_64 {
namespace {

// FF /2, its ModRM byte and what belongs to it: so many bytes; 0: it is another instruction.
size_t indirectCallSize(uint8_t opcode, uint8_t operand) {
  constexpr uint8_t kCall = 2, kRegister = 3, kSib = 4, kRelative = 5;
  const unsigned mode = operand >> 6, extension = (operand >> 3) & 7, rm = operand & 7;
  if (opcode != 0xff || extension != kCall) return 0;
  size_t size = 2;
  if (mode != kRegister && rm == kSib) size++;
  if (mode == 1) size += 1;
  if (mode == 2 || (mode == 0 && rm == kRelative)) size += 4;
  return size;
}

} // namespace

Arch::CallKind callBefore(BytesView bytes) {
  using CallKind = Arch::CallKind;
  constexpr size_t kLongestCall = Arch::kLongestCall;
  constexpr size_t kDirectSize = 5, kLeastIndirect = 2, kMostIndirect = 7; // without prefixes
  LPC_CHECK(bytes.size() == kLongestCall);
  for (size_t size = kLeastIndirect; size <= kMostIndirect; size++)
    if (indirectCallSize(bytes[kLongestCall - size], bytes[kLongestCall - size + 1]) == size) return CallKind::Indirect;
  return bytes[kLongestCall - kDirectSize] == 0xe8 ? CallKind::Direct : CallKind::None; // call rel32
}

} // namespace lpc::backend::x86_64
