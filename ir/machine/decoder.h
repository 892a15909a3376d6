// Decodes machine instructions (LLVM MC behind it): lengths, control flow, and PC-relative fields.
//
// Shared by sema (is this address the start of an instruction? does a branch lead into the site?) and the
// backend (encoding, moved instructions, listings). LLVM's headers stay in the .cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/machine/machine.h"
#include "ir/machine/registers.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc {

// A memory operand that counts from the end of its instruction ([rip + disp32] on x86).
struct RelativeOperand {
  uint64_t address = 0; // what it points to
  uint8_t offset = 0;   // of the 4 bytes of its displacement in the instruction
  bool operator==(const RelativeOperand &) const = default;
};

struct Instruction {
  uint64_t address = 0;
  uint8_t length = 0;         // bytes, prefixes included (a `lock` prefix is merged with what it locks)
  bool isBranch = false;      // jmp, jcc, loop, jrcxz: control may go elsewhere in or out of the function
  bool isConditional = false; // … or fall through
  bool isCall = false;
  bool isReturn = false;
  bool endsFlow = false;            // control never reaches the next instruction (jmp, ret, ud2, hlt)
  bool isIndirect = false;          // branch or call through a register or memory
  bool isNop = false;               // any no-op form, endbr64 not included
  bool isEndbr = false;             // endbr64 / bti
  std::optional<uint64_t> target{}; // of a direct branch or call
  std::optional<RelativeOperand> relative{};
  bool operator==(const Instruction &) const = default;
};

class Decoder {
public:
  virtual ~Decoder() = default;
  // The instruction at the front of `bytes`, which stand at `address`; nothing where they are none, or cut off.
  virtual std::optional<Instruction> decode(BytesView bytes, uint64_t address) const = 0;
  // What it does with the registers of the machine's calling convention. Calls are taken for what they do themselves.
  virtual RegisterUse registers(BytesView bytes, uint64_t address) const = 0;
  // Where in `code`, which stands at `address`, the bytes look like a direct call of `target`, or a jump to it.
  virtual std::vector<uint64_t> callsOf(uint64_t target, BytesView code, uint64_t address) const = 0;
  // Its text in Intel syntax (aarch64: the one there is), "mov rbp, rsp", with absolute branch targets as "0x…".
  virtual std::string text(BytesView bytes, uint64_t address) const = 0;

  // Never fails for a supported machine; UnsupportedMachine where LLVM was built without it.
  static Result<std::unique_ptr<Decoder>> create(Machine machine);
};

// Decodes from the start of `bytes` to their end or the first undecodable byte.
std::vector<Instruction> decodeAll(const Decoder &decoder, BytesView bytes, uint64_t address);

} // namespace lpc
