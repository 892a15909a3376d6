// What instructions of x86-64 do with the registers that a function may change for its caller.
#include "ir/machine/registers.h"

#include <gtest/gtest.h>

#include "ir/machine/decoder.h"

namespace lpc {
namespace {

struct Row {
  const char *hex, *text, *reads, *changes, *replaces;
  const char *saves = "", *restores = "";
};

constexpr Row kRows[] = {
    {"89fe", "mov esi, edi", "rdi", "rsi", "rsi"},
    {"4889fe", "mov rsi, rdi", "rdi", "rsi", "rsi"},
    {"6689fe", "mov si, di", "rdi", "rsi", ""},
    {"4088fe", "mov sil, dil", "rdi", "rsi", ""},
    {"88e1", "mov cl, ah", "rax", "rcx", ""},
    {"01f0", "add eax, esi", "rax, rsi", "rax", "rax"},
    {"31f6", "xor esi, esi", "", "rsi", "rsi"},
    {"19ff", "sbb edi, edi", "", "rdi", "rdi"}, // of the carry flag alone
    {"31f7", "xor edi, esi", "rsi, rdi", "rdi", "rdi"},
    {"660fefc0", "pxor xmm0, xmm0", "", "xmm0", "xmm0"},
    {"c5f057c9", "vxorps xmm1, xmm1, xmm1", "", "xmm1", "xmm1"},
    {"09f6", "or esi, esi", "rsi", "rsi", "rsi"},
    {"0f44f7", "cmove esi, edi", "rsi, rdi", "rsi", "rsi"},
    {"488b0cb7", "mov rcx, qword ptr [rdi + 4*rsi]", "rsi, rdi", "rcx", "rcx"},
    {"48890cb7", "mov qword ptr [rdi + 4*rsi], rcx", "rcx, rsi, rdi", "", ""},
    {"85f6", "test esi, esi", "rsi", "", ""},
    {"d3e0", "shl eax, cl", "rax, rcx", "rax", "rax"},
    {"f7e6", "mul esi", "rax, rsi", "rax, rdx", "rax, rdx"},
    {"99", "cdq", "rax", "rax, rdx", "rax, rdx"},
    {"f3a4", "rep movsb byte ptr es:[rdi], byte ptr [rsi]", "rcx, rsi, rdi", "rcx, rsi, rdi", "rcx, rsi, rdi"},
    {"0f05", "syscall", "rax, rdx, rsi, rdi, r8, r9, r10", "rax, rcx, r11", "rax, rcx, r11"},
    {"4d01c8", "add r8, r9", "r8, r9", "r8", "r8"},
    {"4589d3", "mov r11d, r10d", "r10", "r11", "r11"},
    {"4488d9", "mov cl, r11b", "r11", "rcx", ""},
    {"f20f58c1", "addsd xmm0, xmm1", "xmm0, xmm1", "xmm0", "xmm0"},
    {"c5fc28fa", "vmovaps ymm7, ymm2", "xmm2", "xmm7", "xmm7"},
    {"53", "push rbx", "", "", ""},
    {"4c89e3", "mov rbx, r12", "", "", ""},
    {"e800000000", "call", "", "", ""},
    {"56", "push rsi", "rsi", "", "", "rsi", ""},
    {"5e", "pop rsi", "", "rsi", "rsi", "", "rsi"},
    {"0f293c24", "movaps xmmword ptr [rsp], xmm7", "xmm7", "", "", "xmm7", ""},
    {"0f283c24", "movaps xmm7, xmmword ptr [rsp]", "", "xmm7", "xmm7", "", "xmm7"},
    {"0f", "nothing", "", "", ""},
};

Bytes bytesOf(std::string_view hex) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

TEST(Registers, OfInstructions) {
  auto decoder = Decoder::create(Machine::X86_64);
  ASSERT_TRUE(decoder);
  const CallingConvention &convention = callingConvention(Machine::X86_64);
  for (const Row &row : kRows) {
    RegisterUse use = (*decoder)->registers(bytesOf(row.hex), 0x401000);
    EXPECT_EQ(convention.text(use.reads), row.reads) << row.text;
    EXPECT_EQ(convention.text(use.changes), row.changes) << row.text;
    EXPECT_EQ(convention.text(use.replaces), row.replaces) << row.text;
    EXPECT_EQ(convention.text(use.saves), row.saves) << row.text;
    EXPECT_EQ(convention.text(use.restores), row.restores) << row.text;
  }
}

TEST(Registers, OfTheCallingConvention) {
  const CallingConvention &convention = callingConvention(Machine::X86_64);
  RegisterSet integers = 0, vectors = 0;
  for (uint8_t each : convention.integers)
    integers |= RegisterSet{1} << each;
  for (uint8_t each : convention.vectors)
    vectors |= RegisterSet{1} << each;
  EXPECT_EQ(convention.text(integers), "rcx, rdx, rsi, rdi, r8, r9");
  EXPECT_EQ(convention.text(vectors), "xmm0, xmm1, xmm2, xmm3, xmm4, xmm5, xmm6, xmm7");
  EXPECT_EQ(convention.text(convention.passedThrough), "xmm0");
  EXPECT_EQ(convention.names[convention.integers[0]], "rdi");
  EXPECT_EQ(convention.names[convention.integers[3]], "rcx");
}

// Calls and jumps of 32 bits; the target is counted from their end.
TEST(Registers, CallsOfAFunctionAreFoundByTheirBytes) {
  auto decoder = Decoder::create(Machine::X86_64);
  ASSERT_TRUE(decoder);
  //             401000     401005     40100a       401010: a call of something else
  Bytes code = bytesOf("e8fb0f0000"
                       "e9f60f0000"
                       "0f84f00f0000"
                       "e8000000009090");
  EXPECT_EQ((*decoder)->callsOf(0x402000, code, 0x401000), (std::vector<uint64_t>{0x401000, 0x401005, 0x40100a}));
  EXPECT_EQ((*decoder)->callsOf(0x402001, code, 0x401000), std::vector<uint64_t>{});
  EXPECT_EQ((*decoder)->callsOf(0x402000, BytesView(code).first(4), 0x401000), std::vector<uint64_t>{});
}

} // namespace
} // namespace lpc
