// Machine code that the x86-64 backend writes, checked through the decoder.
#include <gtest/gtest.h>

#include "backend/arch/arch.h"

namespace lpc::backend {
namespace {

class ArchX86 : public testing::Test {
protected:
  const Arch &arch = Arch::of(Machine::X86_64);
  std::unique_ptr<Decoder> decoder = Decoder::create(Machine::X86_64).value();
};

TEST_F(ArchX86, JumpsLeadWhereTheyShould) {
  constexpr uint64_t kFrom = 0x5555'5555'4000;
  for (int64_t distance : {int64_t{0}, int64_t{5}, int64_t{-5}, int64_t{0x1234}, int64_t{-0x7fff'fff0},
                           int64_t{0x7fff'ffff} + 5, -int64_t{0x8000'0000} + 5}) {
    RemoteAddress to{kFrom + static_cast<uint64_t>(distance)};
    Bytes bytes = arch.jump({kFrom}, to).value();
    auto jump = decoder->decode(bytes, kFrom);
    ASSERT_TRUE(jump.has_value());
    EXPECT_EQ(jump->length, bytes.size());
    EXPECT_EQ(bytes.size(), nearJumpSize(Machine::X86_64));
    EXPECT_TRUE(jump->isBranch && !jump->isConditional);
    EXPECT_EQ(jump->target, to.value);
  }
}

TEST_F(ArchX86, JumpsOutOfReachAreRefused) {
  constexpr uint64_t kFrom = 0x5555'5555'4000;
  for (int64_t distance : {int64_t{0x8000'0000} + 5, -int64_t{0x8000'0000} + 4, int64_t{1} << 46}) {
    auto jump = arch.jump({kFrom}, {kFrom + static_cast<uint64_t>(distance)});
    ASSERT_FALSE(jump.has_value());
    EXPECT_EQ(jump.error().id, DiagnosticId::RelocationOverflow);
  }
  EXPECT_EQ(arch.jump({0x401000}, {0x7f00'0000'0000}).error().message,
            "a jump from 0x401000 cannot reach 0x7f0000000000");
}

TEST_F(ArchX86, WhatIsWithinReachCanBeJumpedTo) {
  RemoteAddress from{0x5555'5555'4000};
  EXPECT_TRUE(arch.jump(from, from + arch.reach()).has_value());
  EXPECT_TRUE(arch.jump(from, from - arch.reach()).has_value());
}

TEST_F(ArchX86, FarJump) {
  Bytes bytes = arch.farJump({0x1122'3344'5566'7788});
  EXPECT_EQ(toHex(bytes), "ff25000000008877665544332211");
  EXPECT_EQ(decoder->text(bytes, 0), "jmp qword ptr [rip]");
  EXPECT_TRUE(decoder->decode(bytes, 0)->endsFlow);
}

TEST_F(ArchX86, ReturnsAreAsLongAsTheIrSays) {
  struct Row {
    std::optional<uint64_t> value;
    const char *text;
  };
  for (const Row &row :
       {Row{{}, "ret"}, Row{0, "xor eax, eax"}, Row{5, "mov eax, 0x5"}, Row{UINT32_MAX, "mov eax, 0xffffffff"},
        Row{UINT64_MAX, "mov rax, -0x1"}, Row{uint64_t{1} << 32, "movabs rax, 0x100000000"}}) {
    Bytes bytes = arch.returnAtOnce(row.value);
    EXPECT_EQ(bytes.size(), returnSize(Machine::X86_64, row.value));
    EXPECT_EQ(decoder->text(bytes, 0), row.text);
    auto all = decodeAll(*decoder, bytes, 0);
    ASSERT_EQ(all.size(), row.value ? 2U : 1U);
    EXPECT_TRUE(all.back().isReturn);
    EXPECT_EQ(all.back().address + all.back().length, bytes.size());
  }
}

TEST_F(ArchX86, NoopsFillExactlyAndInFewInstructions) {
  for (uint64_t size = 0; size <= 40; size++) {
    Bytes bytes = arch.noops(size);
    ASSERT_EQ(bytes.size(), size);
    std::vector<Instruction> all = decodeAll(*decoder, bytes, 0x1000);
    uint64_t covered = 0;
    for (const Instruction &instruction : all) {
      EXPECT_TRUE(instruction.isNop);
      covered += instruction.length;
    }
    EXPECT_EQ(covered, size);
    EXPECT_EQ(all.size(), (size + 8) / 9);
  }
}

TEST_F(ArchX86, OtherMachinesAreNotThereYet) {
  EXPECT_TRUE(Arch::supports(Machine::X86_64));
  EXPECT_FALSE(Arch::supports(Machine::I386));
  EXPECT_FALSE(Arch::supports(Machine::AArch64));
}

} // namespace
} // namespace lpc::backend
