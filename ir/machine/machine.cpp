// The table of machines. Numbers of e_machine from the gABI; written out because <elf.h> and LLVM's ELF headers
// cannot meet in one translation unit and this header reaches both worlds.
#include "ir/machine/machine.h"

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

unsigned pointerSize(Machine machine) { return row(machine).is64 ? 8 : 4; }

unsigned nearJumpSize(Machine machine) { return row(machine).nearJumpSize; }

} // namespace lpc
