// Go's heap on 64-bit machines begins at 0x00c000000000 (Go source, runtime/malloc.go, "mallocinit": the hint that it
// tries first), and grows upwards in arenas of 64 MiB. The thread pointer has, one word below it, the running `g`
// (cmd/link, "tlsoffset": -8 on ELF x86-64), whose first two words are the bounds of its stack (runtime/runtime2.go:
// the compiler knows their place). All three must agree with the stack pointer, so a program that is not Go's is not
// taken for one.
#include "runtime/go_stack.h"

namespace lpc::runtime {
namespace {

constexpr RemoteAddress kHeap{0xc000000000}, kHeapEnd{0xd000000000};

} // namespace

std::optional<RemoteRange> goStackOf(const Process &process, const Mapping &mapping, const Registers &registers) {
  if (mapping.range.begin < kHeap || mapping.range.end > kHeapEnd || registers.threadPointer().value < 8)
    return std::nullopt;
  auto g = process.readWord({registers.threadPointer().value - 8});
  auto low = g ? process.readWord({*g}) : g;
  auto high = low ? process.readWord({*g + 8}) : low;
  if (!high) return std::nullopt;
  RemoteRange stack{{*low}, {*high}};
  bool agrees =
      stack.contains(registers.stackPointer()) && mapping.range.begin <= stack.begin && stack.end <= mapping.range.end;
  return agrees ? std::optional(stack) : std::nullopt;
}

} // namespace lpc::runtime
