// The processor architectures that lpc knows, and the facts about them that need no LLVM.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lpc {

enum class Machine : uint8_t { X86_64, I386, AArch64 };

// "x86_64", "i386", "aarch64": names in the IR, in messages and in options.
std::string_view name(Machine machine);
std::optional<Machine> machineNamed(std::string_view name);

// ELF's e_machine and class (gABI; EM_X86_64 with 32-bit class, x32, is none of ours).
std::optional<Machine> machineOfElf(uint16_t eMachine, bool is64);
uint16_t elfMachine(Machine machine);

// Width of a pointer in bytes.
unsigned pointerSize(Machine machine);

// Bytes of the jump that the backend writes over a function's start when the destination is in reach
// (x86: `jmp rel32`, Intel SDM vol. 2, 5 bytes; aarch64: `b`, 4 bytes).
unsigned nearJumpSize(Machine machine);

// Bytes of the code that returns at once, with `value` as the result where there is one (x86: a `mov` to the result
// register in its shortest form, and `ret`; aarch64: up to four moves of 16 bits, and `ret`).
unsigned returnSize(Machine machine, std::optional<uint64_t> value);

} // namespace lpc
