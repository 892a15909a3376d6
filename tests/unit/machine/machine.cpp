// Names and ELF numbers of machines.
#include "ir/machine/machine.h"

#include <gtest/gtest.h>

namespace lpc {
namespace {

TEST(Machine, NamesAreInverse) {
  for (Machine machine : {Machine::X86_64, Machine::I386, Machine::AArch64})
    EXPECT_EQ(machineNamed(name(machine)), machine);
  EXPECT_EQ(name(Machine::X86_64), "x86_64");
  EXPECT_EQ(name(Machine::I386), "i386");
  EXPECT_EQ(name(Machine::AArch64), "aarch64");
  EXPECT_EQ(machineNamed("x86-64"), std::nullopt);
  EXPECT_EQ(machineNamed(""), std::nullopt);
}

TEST(Machine, ElfNumbersNeedTheirClass) {
  EXPECT_EQ(machineOfElf(62, true), Machine::X86_64);
  EXPECT_EQ(machineOfElf(62, false), std::nullopt); // x32
  EXPECT_EQ(machineOfElf(3, false), Machine::I386);
  EXPECT_EQ(machineOfElf(3, true), std::nullopt);
  EXPECT_EQ(machineOfElf(183, true), Machine::AArch64);
  EXPECT_EQ(machineOfElf(183, false), std::nullopt);
  EXPECT_EQ(machineOfElf(243, true), std::nullopt); // RISC-V
}

TEST(Machine, Sizes) {
  EXPECT_EQ(pointerSize(Machine::X86_64), 8U);
  EXPECT_EQ(pointerSize(Machine::I386), 4U);
  EXPECT_EQ(pointerSize(Machine::AArch64), 8U);
  EXPECT_EQ(nearJumpSize(Machine::X86_64), 5U);
  EXPECT_EQ(nearJumpSize(Machine::I386), 5U);
  EXPECT_EQ(nearJumpSize(Machine::AArch64), 4U);
}

} // namespace
} // namespace lpc
