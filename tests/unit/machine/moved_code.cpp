// Instructions of x86-64 moved from 0x401000 to 0x500000, one case a line: what stands there then.
#include "ir/machine/moved_code.h"

#include <gtest/gtest.h>

#include "ir/support/address.h"
#include "ir/support/cat.h"

namespace lpc {
namespace {

constexpr uint64_t kFrom = 0x401000, kTo = 0x500000;

struct Row {
  const char *hex;
  const char *moved; // behind the endbr64, without the jump back and what is behind it; "!" and the reason of a refusal
};

constexpr Row kRows[] = {
    // what does not say where it is
    {"554889e5534883ec18", "push rbp; mov rbp, rsp; push rbx; sub rsp, 0x18"},
    {"9090909090", "nop; nop; nop; nop; nop"},
    {"64488b042528000000", "mov rax, qword ptr fs:[0x28]"},
    {"62f17c48100f", "vmovups zmm1, zmmword ptr [rdi]"},
    {"f30f1efa53", "push rbx"}, // an endbr64 that moves too stands first
    {"f048ff07c3", "lock inc qword ptr [rdi]; ret"},
    {"3effe09090", "notrack jmp rax; nop; nop"},
    {"b800000000c3", "mov eax, 0x0; ret"},
    {"f3c3900f1f4000", "rep ret; nop; nop dword ptr [rax]"},

    // memory relative to rip: 0x401000 + length + displacement stays
    {"488d05aa000000", "lea rax, [rip + 0x...]=0x4010b1"},
    {"48833d0010000000", "cmp qword ptr [rip + 0x...], 0x0=0x402008"},
    {"803d0010000000", "cmp byte ptr [rip + 0x...], 0x0=0x402007"},
    {"c70500100000efbeadde", "mov dword ptr [rip + 0x...], 0xdeadbeef=0x40200a"},
    {"660f6f0500100000", "movdqa xmm0, xmmword ptr [rip + 0x...]=0x402008"},
    {"c5fd6f0500100000", "vmovdqa ymm0, ymmword ptr [rip + 0x...]=0x402008"},
    {"c4e27d180500100000", "vbroadcastss ymm0, dword ptr [rip + 0x...]=0x402009"},
    {"62f17c48100500100000", "vmovups zmm0, zmmword ptr [rip + 0x...]=0x40200a"},
    {"660f3a0f050010000008", "palignr xmm0, xmmword ptr [rip + 0x...], 0x8=0x40200a"},
    {"f0480fb10d00100000", "lock cmpxchg qword ptr [rip + 0x...], rcx=0x402009"},
    {"ff2500100000", "jmp qword ptr [rip + 0x...]=0x402006"},
    {"f2ff2500100000", "bnd jmp qword ptr [rip + 0x...]=0x402007"},
    {"488d05f9ffffff", "lea rax, [rip + 0x...]=0x401000"}, // its own address stays the old one
    {"67488b0500100000", "!`mov rax, qword ptr [eip + 0x1000]` cannot be moved: it addresses memory relative to `eip`"},

    // branches out of the moved bytes
    {"4885ff7413", "test rdi, rdi; je 0x401018"},
    {"4885ff0f8410000000", "test rdi, rdi; je 0x401019"},
    {"31c0eb7f90", "xor eax, eax; jmp 0x401083; nop"},
    {"31c0e900100000", "xor eax, eax; jmp 0x402007"},
    {"f2e900100000", "jmp 0x402006"},
    {"4831c02e7410", "xor rax, rax; je 0x401016"},
    {"85ff66900f8810000000", "test edi, edi; nop; js 0x40101a"},
    {"31c90f1f00e2f6", "xor ecx, ecx; nop dword ptr [rax]; loop 0x50000d; jmp 0x500012; jmp 0x400ffd"},
    {"0f1f00e310", "nop dword ptr [rax]; jrcxz 0x50000b; jmp 0x500010; jmp 0x401015"},
    {"0f1f0067e310", "nop dword ptr [rax]; jecxz 0x50000c; jmp 0x500011; jmp 0x401016"},

    // branches among the moved bytes, which go to where these are now
    {"85ff74fc9090", "test edi, edi; je 0x500004; nop; nop"},
    {"eb01909090", "jmp 0x50000a; nop; nop; nop"},
    {"85ff7401b900000000", "!`je 0x401005` cannot be moved: it leads into the middle of another"},

    // calls: the old return address is pushed
    {"e8fb0f0000", "push qword ptr [rip + 0x...]=>0x401005; jmp 0x402000"},
    {"4883ec08e8f70f0000", "sub rsp, 0x8; push qword ptr [rip + 0x...]=>0x401009; jmp 0x402000"},
    {"e8f6ffffff", "push qword ptr [rip + 0x...]=>0x401005; jmp 0x400ffb"},
    {"e800000000", "push qword ptr [rip + 0x...]=>0x401005; jmp 0x401005"}, // where am I: the old place
    {"e8fbffffff", "push qword ptr [rip + 0x...]=>0x401005; jmp 0x401000"}, // itself: through the hook
    {"ff1500100000", "push qword ptr [rip + 0x...]=>0x401006; jmp qword ptr [rip + 0x...]=0x402006"},
    {"4883ec08ffd0", "sub rsp, 0x8; push qword ptr [rip + 0x...]=>0x401006; jmp rax"},
    {"4883ec08ff5710", "sub rsp, 0x8; push qword ptr [rip + 0x...]=>0x401007; jmp qword ptr [rdi + 0x10]"},
    {"4883ec0841ffd4", "sub rsp, 0x8; push qword ptr [rip + 0x...]=>0x401007; jmp r12"},
    {"4883ec0841ff542408", "sub rsp, 0x8; push qword ptr [rip + 0x...]=>0x401009; jmp qword ptr [r12 + 0x8]"},
    {"6648ff1500100000", "push qword ptr [rip + 0x...]=>0x401008; jmp qword ptr [rip + 0x...]=0x402008"},
    {"4883ec08ff542408", "!`call qword ptr [rsp + 0x8]` cannot be moved: its operand counts from the stack pointer"},
    {"4883ec08ffd4", "!`call rsp` cannot be moved: its operand counts from the stack pointer"},
    {"ffd0909090", "!`call rax` cannot be moved: it would return into the bytes that the jump overwrites"},
    {"e8feffffff", "!`call 0x401003` cannot be moved: it leads into the bytes that the jump overwrites"},
    {"4883ec08ff1f", "!`call [rdi]` cannot be moved: it is a far call"},
    {"c7f800100000", "!`xbegin 0x402006` cannot be moved: its displacement is of a kind that lpc does not know"},

    {"5506555555", "!the bytes at 0x401001 are no instruction"},
    {"55488d", "!the bytes at 0x401001 are no instruction"},
};

std::string withoutDisplacement(std::string text) {
  size_t begin = text.find("[rip "), end = text.find(']', begin);
  return begin == std::string::npos ? text : text.replace(begin, end - begin, "[rip + 0x...");
}

std::string movedText(const Decoder &decoder, const Row &row) {
  Bytes code = fromHex(row.hex).value();
  auto moved = MovedCode::of(Machine::X86_64, decoder, code, kFrom);
  if (!moved) return "!" + moved.error().message;
  Bytes bytes = moved->at(kTo).value();
  EXPECT_EQ(bytes.size(), moved->size());
  EXPECT_EQ(bytes.size() % 16, 0U);

  std::string text;
  std::optional<uint64_t> constant; // the push of the return address leads to the end of the code
  bool back = false;
  for (const Instruction &instruction : decodeAll(decoder, bytes, kTo)) {
    if (constant && instruction.address >= *constant) break;
    BytesView own = BytesView(bytes).subspan(instruction.address - kTo);
    if (instruction.address == kTo) {
      EXPECT_TRUE(instruction.isEndbr);
      continue;
    }
    std::string one = decoder.text(own, instruction.address);
    if (one == "int3") break;
    back = one == cat("jmp ", hexAddress(RemoteAddress{kFrom + code.size()}));
    text += (text.empty() ? "" : "; ") + withoutDisplacement(one);
    if (!instruction.relative) continue;
    uint64_t address = instruction.relative->address;
    if (address > kTo && address < kTo + bytes.size()) {
      constant = address;
      text += "=>" + hexAddress(RemoteAddress{loadLittle(BytesView(bytes).subspan(address - kTo, 8))});
    } else {
      text += "=" + hexAddress(RemoteAddress{address});
    }
  }
  if (constant) return text;
  return back ? text.substr(0, text.rfind("; ")) : text;
}

TEST(MovedCode, X86_64) {
  auto decoder = Decoder::create(Machine::X86_64).value();
  for (const Row &row : kRows)
    EXPECT_EQ(movedText(*decoder, row), row.moved) << row.hex;
}

TEST(MovedCode, OutOfReach) {
  auto decoder = Decoder::create(Machine::X86_64).value();
  auto moved = MovedCode::of(Machine::X86_64, *decoder, fromHex("488d05aa000000").value(), kFrom).value();
  EXPECT_EQ(moved.refersTo(), (std::vector<uint64_t>{0x4010b1, 0x401007}));
  EXPECT_TRUE(moved.at(kFrom + (uint64_t{1} << 31) - 4096));
  auto far = moved.at(kFrom + (uint64_t{1} << 31) + 4096);
  ASSERT_FALSE(far);
  EXPECT_EQ(far.error().id, DiagnosticId::RelocationOverflow);
}

} // namespace
} // namespace lpc
