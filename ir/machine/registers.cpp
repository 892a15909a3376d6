// One row a machine. Not among them are flags, x87's stack and mask registers: compilers keep no value in these across
// a call of which they know what it changes, or so seldom that we never met one.
#include "ir/machine/registers.h"

#include <array>

#include "ir/support/result.h"

namespace lpc {
namespace {

constexpr std::array<std::string_view, 25> kX86Names{
    "rax",  "rcx",  "rdx",  "rsi",  "rdi",  "r8",   "r9",    "r10",   "r11",   "xmm0",  "xmm1",  "xmm2", "xmm3",
    "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"};
constexpr std::array<uint8_t, 6> kX86Integers{4, 3, 2, 1, 5, 6};
constexpr std::array<uint8_t, 8> kX86Vectors{9, 10, 11, 12, 13, 14, 15, 16};
constexpr CallingConvention kX86{
    .names = kX86Names, .integers = kX86Integers, .vectors = kX86Vectors, .passedThrough = RegisterSet{1} << 9};

} // namespace

std::string CallingConvention::text(RegisterSet registers) const {
  std::string out;
  for (size_t i = 0; i < names.size(); i++)
    if (registers >> i & 1) out.append(out.empty() ? "" : ", ").append(names[i]);
  return out;
}

const CallingConvention &callingConvention(Machine machine) {
  LPC_CHECK(machine == Machine::X86_64); // no other has a decoder
  return kX86;
}

} // namespace lpc
