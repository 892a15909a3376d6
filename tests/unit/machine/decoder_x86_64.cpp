// Instructions of x86-64, one a line: bytes, what must be found out about them, and their text.
#include "ir/machine/decoder.h"

#include <gtest/gtest.h>

#include "ir/support/address.h"

namespace lpc {
namespace {

constexpr uint64_t kAddress = 0x401000;
constexpr uint64_t kNoTarget = 0;

struct Row {
  const char *hex;  // bytes behind the instruction are cut off by `length`
  unsigned length;  // 0: none
  const char *kind; // words of kindOf()
  uint64_t target;
  const char *text;
};

std::string kindOf(const Instruction &instruction) {
  std::string words;
  auto add = [&](bool is, const char *word) {
    if (is) words += (words.empty() ? "" : " ") + std::string(word);
  };
  add(instruction.isBranch, "branch");
  add(instruction.isConditional, "conditional");
  add(instruction.isCall, "call");
  add(instruction.isReturn, "return");
  add(instruction.isIndirect, "indirect");
  add(instruction.endsFlow, "ends");
  add(instruction.isNop, "nop");
  add(instruction.isEndbr, "endbr");
  return words;
}

constexpr Row kRows[] = {
    // plain
    {"55", 1, "", kNoTarget, "push rbp"},
    {"4889e5", 3, "", kNoTarget, "mov rbp, rsp"},
    {"4883ec10", 4, "", kNoTarget, "sub rsp, 0x10"},
    {"488d05aa000000", 7, "", kNoTarget, "lea rax, [rip + 0xaa]"},
    {"64488b042528000000", 9, "", kNoTarget, "mov rax, qword ptr fs:[0x28]"},
    {"48b8efcdab8967452301", 10, "", kNoTarget, "movabs rax, 0x123456789abcdef"},
    {"c5f877", 3, "", kNoTarget, "vzeroupper"},
    {"62f17c48100f", 6, "", kNoTarget, "vmovups zmm1, zmmword ptr [rdi]"},
    {"9bd97df8", 1, "", kNoTarget, "wait"}, // fstcw is two instructions
    {"5590", 1, "", kNoTarget, "push rbp"},

    // direct branches and calls
    {"eb10", 2, "branch ends", kAddress + 0x12, "jmp 0x401012"},
    {"ebfe", 2, "branch ends", kAddress, "jmp 0x401000"},
    {"e900010000", 5, "branch ends", kAddress + 0x105, "jmp 0x401105"},
    {"e9fbeffbff", 5, "branch ends", kAddress - 0x41000, "jmp 0x3c0000"},
    {"e8fbffffff", 5, "call", kAddress, "call 0x401000"},
    {"7405", 2, "branch conditional", kAddress + 7, "je 0x401007"},
    {"0f8400100000", 6, "branch conditional", kAddress + 0x1006, "je 0x402006"},
    {"e2fe", 2, "branch conditional", kAddress, "loop 0x401000"},
    {"e310", 2, "branch conditional", kAddress + 0x12, "jrcxz 0x401012"},
    {"67e310", 3, "branch conditional", kAddress + 0x13, "jecxz 0x401013"},
    {"c7f800100000", 6, "branch conditional", kAddress + 0x1006, "xbegin 0x402006"},

    // indirect ones
    {"ffe0", 2, "branch indirect ends", kNoTarget, "jmp rax"},
    {"ff2500100000", 6, "branch indirect ends", kNoTarget, "jmp qword ptr [rip + 0x1000]"},
    {"ff24c500104000", 7, "branch indirect ends", kNoTarget, "jmp qword ptr [8*rax + 0x401000]"},
    {"41ffd3", 3, "call indirect", kNoTarget, "call r11"},
    {"ff1500100000", 6, "call indirect", kNoTarget, "call qword ptr [rip + 0x1000]"},
    {"ff28", 2, "branch indirect ends", kNoTarget, "jmp [rax]"},
    {"ff18", 2, "call indirect", kNoTarget, "call [rax]"},

    // prefixes belong to their instruction
    {"f0480fb10f", 5, "", kNoTarget, "lock cmpxchg qword ptr [rdi], rcx"},
    {"f0ff00", 3, "", kNoTarget, "lock inc dword ptr [rax]"},
    {"f348ab", 3, "", kNoTarget, "rep stosq qword ptr es:[rdi], rax"},
    {"f3c3", 2, "return ends", kNoTarget, "rep ret"},
    {"f3f3f3c3", 4, "return ends", kNoTarget, nullptr},
    {"f2e900000000", 6, "branch ends", kAddress + 6, "bnd jmp 0x401006"},
    {"f2e800000000", 6, "call", kAddress + 6, "bnd call 0x401006"},
    {"f2ff2500100000", 7, "branch indirect ends", kNoTarget, "bnd jmp qword ptr [rip + 0x1000]"},
    {"3effe0", 3, "branch indirect ends", kNoTarget, "notrack jmp rax"},
    {"3e41ffe3", 4, "branch indirect ends", kNoTarget, "notrack jmp r11"},
    {"67e800000000", 6, "call", kAddress + 6, "addr32 call 0x401006"},   // ld relaxes call [rip+x] to it
    {"666648e800000000", 8, "call", kAddress + 8, nullptr},              // the call of __tls_get_addr
    {"2e7405", 3, "branch conditional", kAddress + 8, "cs je 0x401008"}, // branch hint

    // the operand size of a near branch is ignored: 32 bits of displacement, as on Intel's processors
    {"66e900000000", 6, "branch ends", kAddress + 6, "data16 jmp 0x401006"},
    {"66e800000000", 6, "call", kAddress + 6, "data16 call 0x401006"},
    {"660f8400000000", 7, "branch conditional", kAddress + 7, "data16 je 0x401007"},
    {"66eb10", 3, "branch ends", kAddress + 0x13, "data16 jmp 0x401013"},
    {"66e90000", 0, "", kNoTarget, "(bad)"},

    // ends of flow
    {"c3", 1, "return ends", kNoTarget, "ret"},
    {"c20800", 3, "return ends", kNoTarget, "ret 0x8"},
    {"cb", 1, "return ends", kNoTarget, "retf"},
    {"48cf", 2, "return ends", kNoTarget, "iretq"},
    {"0f0b", 2, "ends", kNoTarget, "ud2"},
    {"0fb9c0", 3, "ends", kNoTarget, "ud1 eax, eax"},
    {"f4", 1, "ends", kNoTarget, "hlt"},
    {"cc", 1, "", kNoTarget, "int3"},
    {"0f05", 2, "", kNoTarget, "syscall"},
    {"cd80", 2, "", kNoTarget, "int 0x80"},

    // no-ops, and what only looks like one
    {"90", 1, "nop", kNoTarget, "nop"},
    {"6690", 2, "nop", kNoTarget, "nop"},
    {"0f1f00", 3, "nop", kNoTarget, "nop dword ptr [rax]"},
    {"0f1f4000", 4, "nop", kNoTarget, nullptr},
    {"0f1f440000", 5, "nop", kNoTarget, nullptr},
    {"660f1f440000", 6, "nop", kNoTarget, nullptr},
    {"0f1f8000000000", 7, "nop", kNoTarget, nullptr},
    {"0f1f840000000000", 8, "nop", kNoTarget, nullptr},
    {"660f1f840000000000", 9, "nop", kNoTarget, nullptr},
    {"662e0f1f840000000000", 10, "nop", kNoTarget, nullptr},
    {"666666662e0f1f840000000000", 13, "nop", kNoTarget, nullptr},
    {"66666666662e0f1f840000000000", 14, "nop", kNoTarget, nullptr},
    {"6666666666662e0f1f840000000000", 15, "nop", kNoTarget, nullptr},
    {"4890", 2, "nop", kNoTarget, nullptr},
    {"f390", 2, "", kNoTarget, "pause"},
    {"4190", 2, "", kNoTarget, "xchg eax, r8d"},
    {"87c0", 2, "", kNoTarget, "xchg eax, eax"}, // clears the upper half of rax
    {"f30f1efa", 4, "endbr", kNoTarget, "endbr64"},
    {"f30f1efb", 4, "nop", kNoTarget, "endbr32"},
    {"f3480f1ec8", 5, "", kNoTarget, "rdsspq rax"},

    // none
    {"", 0, "", kNoTarget, "(bad)"},
    {"e9", 0, "", kNoTarget, "(bad)"},
    {"e8000000", 0, "", kNoTarget, "(bad)"},
    {"f0", 0, "", kNoTarget, "(bad)"},
    {"66f3", 0, "", kNoTarget, "(bad)"},
    {"48", 0, "", kNoTarget, "(bad)"},
    {"06", 0, "", kNoTarget, "(bad)"}, // push es: not in 64-bit mode
    {"6666666666666666666666666666666666", 0, "", kNoTarget, "(bad)"},
    {"66666666666666666666662e0f1f840000000000", 0, "", kNoTarget, "(bad)"}, // more than 15 bytes
};

class DecoderX86 : public testing::Test {
protected:
  std::unique_ptr<Decoder> decoder = Decoder::create(Machine::X86_64).value();
};

TEST_F(DecoderX86, Table) {
  for (const Row &row : kRows) {
    SCOPED_TRACE(row.hex);
    Bytes bytes = fromHex(row.hex).value();
    std::optional<Instruction> found = decoder->decode(bytes, kAddress);
    ASSERT_EQ(found.has_value(), row.length != 0);
    if (row.text != nullptr) {
      EXPECT_EQ(decoder->text(bytes, kAddress), row.text);
    }
    if (!found) continue;
    EXPECT_EQ(found->address, kAddress);
    EXPECT_EQ(found->length, row.length);
    EXPECT_EQ(kindOf(*found), row.kind);
    EXPECT_EQ(hexAddress(found->target.value_or(kNoTarget)), hexAddress(row.target));
  }
}

TEST_F(DecoderX86, EveryTruncationIsNoInstruction) {
  for (const Row &row : kRows) {
    if (row.length == 0) continue;
    Bytes bytes = fromHex(row.hex).value();
    for (size_t length = 0; length < row.length; length++) {
      std::optional<Instruction> found = decoder->decode(BytesView(bytes).first(length), kAddress);
      EXPECT_FALSE(found.has_value()) << row.hex << " cut to " << length;
    }
  }
}

TEST_F(DecoderX86, TargetsWrapAroundTheAddressSpace) {
  Bytes bytes = fromHex("e9f0ffffff").value(); // -16
  EXPECT_EQ(decoder->decode(bytes, 0)->target, 0xfffffffffffffff5U);
}

TEST_F(DecoderX86, DecodeAllStopsAtWhatIsNoInstruction) {
  Bytes bytes = fromHex("554889e506c3").value();
  std::vector<Instruction> all = decodeAll(*decoder, bytes, kAddress);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].address, kAddress + 1);
  EXPECT_EQ(all[1].length, 3U);
  EXPECT_TRUE(decodeAll(*decoder, {}, kAddress).empty());
}

TEST(Decoder, OtherMachinesAreRefused) {
  for (Machine machine : {Machine::I386, Machine::AArch64}) {
    auto decoder = Decoder::create(machine);
    ASSERT_FALSE(decoder.has_value());
    EXPECT_EQ(decoder.error().id, DiagnosticId::UnsupportedMachine);
    EXPECT_EQ(decoder.error().message,
              "instructions of `" + std::string(name(machine)) + "` cannot be decoded by this version of lpc");
  }
}

} // namespace
} // namespace lpc
