// The table of machines. Numbers of e_machine from the gABI; written out because <elf.h> and LLVM's ELF headers
// cannot meet in one translation unit and this header reaches both worlds.
#include "ir/machine/machine.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lpc {
namespace {

struct MachineRow {
  Machine machine;
  std::string_view name;
  uint16_t eMachine;
  bool is64;
  unsigned nearJumpSize;
};

constexpr std::array<MachineRow, 3> kMachines{{
    {Machine::X86_64, "x86_64", 62, true, 5},
    {Machine::I386, "i386", 3, false, 5},
    {Machine::AArch64, "aarch64", 183, true, 4},
}};

const MachineRow &row(Machine machine) {
  for (const MachineRow &candidate : kMachines)
    if (candidate.machine == machine) return candidate;
  std::unreachable(); // every enumerator has a row
}

} // namespace

std::string_view name(Machine machine) { return row(machine).name; }

std::optional<Machine> machineNamed(std::string_view name) {
  for (const MachineRow &candidate : kMachines)
    if (candidate.name == name) return candidate.machine;
  return std::nullopt;
}

std::optional<Machine> machineOfElf(uint16_t eMachine, bool is64) {
  for (const MachineRow &candidate : kMachines)
    if (candidate.eMachine == eMachine && candidate.is64 == is64) return candidate.machine;
  return std::nullopt;
}

uint16_t elfMachine(Machine machine) { return row(machine).eMachine; }

unsigned pointerSize(Machine machine) { return row(machine).is64 ? 8 : 4; }

unsigned nearJumpSize(Machine machine) { return row(machine).nearJumpSize; }

unsigned returnSize(Machine machine, std::optional<uint64_t> value) {
  if (machine == Machine::AArch64) {
    unsigned moves = 0;
    for (uint64_t rest = value.value_or(0); rest != 0; rest >>= 16)
      moves++;
    return 4 * ((value ? std::max(moves, 1U) : 0) + 1);
  }
  if (!value) return 1;                                                             // ret
  if (*value == 0) return 3;                                                        // xor eax, eax; ret
  if (*value <= UINT32_MAX || machine == Machine::I386) return 6;                   // mov eax, imm32; ret
  return static_cast<int64_t>(*value) < 0 && *value >= UINT64_MAX - INT32_MAX ? 8   // mov rax, simm32; ret
                                                                              : 11; // mov rax, imm64; ret
}

} // namespace lpc
