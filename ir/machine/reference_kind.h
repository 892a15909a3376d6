// How an address is written into machine code.
#pragma once

#include <cstdint>

namespace lpc {

enum class ReferenceKind : uint8_t {
  Relative32, // in 4 bytes: less the address of these bytes
  Branch32,   // as Relative32, in a jump or call: it may lead to another jump that leads there
  Signed32,   // in 4 bytes, which the processor sign-extends
  Unsigned32, // in 4 bytes, which it zero-extends
  Whole64
};

} // namespace lpc
