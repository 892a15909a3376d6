// What the backend needs to know of a machine: one implementation file each (x86_64.cpp, …), chosen by Machine.
#pragma once

#include <memory>
#include <string_view>

#include "backend/arch/effects.h"
#include "ir/machine/decoder.h"
#include "ir/machine/machine.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::backend {

// What a relocation type of the machine's ELF supplement stores. S: the symbol, A: the addend, P: the place that is
// relocated, B: the load bias; thread-local ones as their names say.
struct RelocationRule {
  enum class Value : uint8_t {
    Nothing,
    Symbol /* S+A */,
    SymbolFromPlace /* S+A-P */,
    Base /* B+A */,
    Copy,
    IndirectFunction,
    ModuleId /* of the object with the thread-local symbol */,
    ModuleOffset /* of the symbol in that object's thread-local storage, +A */,
    ThreadOffset /* of the symbol from the thread pointer, +A */,
    ThreadDescriptor /* a function, and that offset as its argument */
  };
  enum class Range : uint8_t { Whole, Signed, Unsigned }; // what must fit `width` bytes
  uint32_t type = 0;
  std::string_view name; // "R_X86_64_GLOB_DAT"
  Value value = Value::Nothing;
  uint8_t width = 0; // bytes stored
  Range range = Range::Whole;
  bool inLinkageTable = false; // of functions and variables (GOT), which only a linker writes
};

class Arch {
public:
  virtual ~Arch() = default;

  // How far the near jump reaches, in bytes each way, with a margin for the jump itself.
  [[nodiscard]] virtual uint64_t reach() const = 0;
  // The near jump at `from` to `to`; RelocationOverflow when out of reach.
  [[nodiscard]] virtual Result<Bytes> jump(RemoteAddress from, RemoteAddress to) const = 0;
  // A jump that reaches everything, for a detour in new memory (x86-64: `jmp [rip+0]` and the address, 14 bytes).
  [[nodiscard]] virtual Bytes farJump(RemoteAddress to) const = 0;
  // No-ops of exactly `size` bytes.
  [[nodiscard]] virtual Bytes noops(uint64_t size) const = 0;

  // Code that returns at once: returnSize() bytes (ir/machine/machine.h).
  [[nodiscard]] virtual Bytes returnAtOnce(std::optional<uint64_t> value) const = 0;

  // The rule of a relocation type of dynamic linking; null for one that is none, or that we don't know.
  [[nodiscard]] virtual const RelocationRule *relocation(uint32_t type) const = 0;
  // The function of a thread descriptor whose argument is the offset (psABI, "TLS descriptors"): it returns that.
  [[nodiscard]] virtual Bytes threadDescriptorFunction() const = 0;
  // The type that RELR entries stand for.
  [[nodiscard]] virtual uint32_t relativeRelocation() const = 0;

  // Whether calling `function` provably does no more than `allowed`, in a payload whose code has not run yet. False
  // where it does more, or where that cannot be told.
  [[nodiscard]] virtual bool isIdle(const CodeMemory &memory, uint64_t function, AllowedEffects allowed) const = 0;

  // What a call does whose return address is the end of `bytes` (kLongestCall of them), if there is one.
  enum class CallKind : uint8_t { None, Direct, Indirect };
  static constexpr size_t kLongestCall = 8;
  [[nodiscard]] virtual CallKind callBefore(BytesView bytes) const = 0;

  static bool supports(Machine machine);
  static const Arch &of(Machine machine); // LPC_CHECKs that the machine is supported
};

} // namespace lpc::backend
