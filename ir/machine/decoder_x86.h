// What LLVM's x86 disassembler leaves out or reads differently from the processor, told from the bytes alone.
// A machine's facts of this kind are one such file; decoder.cpp has the table that names them.
#pragma once

#include <cstddef>
#include <string>

#include "ir/machine/decoder.h"
#include "ir/support/bytes.h"

namespace lpc::x86_64 {

// Legacy and REX prefixes at the front of an instruction: where its first opcode byte (or VEX, EVEX, REX2 form) stands.
size_t opcodeOffset(BytesView bytes);
// Bytes at the front that the disassembler must not see, because they change neither the length nor the target of
// what follows and it would misread them.
size_t skippedPrefixes(BytesView bytes);
// Whether all of `bytes` are prefixes: then they are no instruction of their own, and belong to the next one.
bool onlyPrefixes(BytesView bytes);
// "lock " and the like, each followed by a blank: what the first `count` bytes mean in the instruction `bytes`.
std::string prefixText(BytesView bytes, size_t count);
// The number in the calling convention of the register that LLVM calls `name` ("SIL", "YMM3"), and whether that is all
// of it: writing 32 bits clears the upper ones.
struct NamedRegister {
  uint8_t number = 0;
  bool whole = false;
};
std::optional<NamedRegister> registerNamed(std::string_view name);
// What an instruction reads and changes that is not in LLVM's tables: the kernel's part of `syscall`, and the
// counter of repeated string instructions.
void refineRegisters(RegisterUse &use, BytesView bytes);
// An instruction such as `xor eax, eax`, by LLVM's name, with one register in both places: what that held does not
// matter.
bool clearsItself(std::string_view name);
std::vector<uint64_t> callsOf(uint64_t target, BytesView code, uint64_t address);
// Sets the flags that LLVM's tables have not; `bytes` is the whole instruction, prefixes included.
void refine(Instruction &instruction, BytesView bytes);

} // namespace lpc::x86_64
