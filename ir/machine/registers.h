// The registers that a function may change for its caller, and what single instructions do with them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ir/machine/machine.h"

namespace lpc {

using RegisterSet = uint32_t; // a bit for each register of CallingConvention::names

struct RegisterUse {
  RegisterSet reads = 0;    // also in part
  RegisterSet changes = 0;  // also in part
  RegisterSet replaces = 0; // in whole: what was there before is gone
  RegisterSet saves = 0;    // pushed, or stored whole on the stack
  RegisterSet restores = 0; // the other way round
};

// Of functions of C (System V ABI, AMD64 supplement 1.0, 3.2.3).
struct CallingConvention {
  std::span<const std::string_view> names;    // that a function may change
  std::span<const uint8_t> integers, vectors; // by which it takes its parameters, in order
  RegisterSet passedThrough = 0; // both parameter and result: a function that changes nothing may return it

  [[nodiscard]] RegisterSet all() const { return (RegisterSet{1} << names.size()) - 1; }
  // "rcx, xmm5"
  [[nodiscard]] std::string text(RegisterSet registers) const;
};
const CallingConvention &callingConvention(Machine machine);

} // namespace lpc
