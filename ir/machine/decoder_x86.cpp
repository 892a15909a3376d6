// x86-64 instruction bytes: prefixes, no-ops, endbr64, and what ends the flow of control.
//
// Opcode numbers are those of the Intel SDM, vol. 2, appendix A. LLVM's own numbering of instructions is in no
// installed header, and its tables say nothing of hlt or of multi-byte no-ops, so the bytes decide.
//
// Two traps are handled here:
//   - `lock`, `rep` and others come out of LLVM as instructions of one byte where it sees no use for them
//     (`rep ret`); a jump written between the two halves would cut an instruction in two.
//   - `66 e9`: Intel's processors ignore the operand-size prefix of a near branch in 64-bit mode (SDM, "JMP"), AMD's
//     take it as a 16-bit displacement and cut the program counter to 16 bits. LLVM follows AMD; but a Linux process
//     has no code below 64 KiB (vm.mmap_min_addr), so where such a branch is meant to run at all, it is Intel's.
#include "ir/machine/decoder_x86.h"

#include <algorithm>
#include <array>

namespace lpc::x86_64 {
namespace {

bool isLegacyPrefix(uint8_t byte) {
  switch (byte) {
  case 0x26:
  case 0x2e:
  case 0x36:
  case 0x3e:
  case 0x64:
  case 0x65:
  case 0x66:
  case 0x67:
  case 0xf0:
  case 0xf2:
  case 0xf3: return true;
  default: return false;
  }
}

bool isRex(uint8_t byte) { return (byte & 0xf0) == 0x40; }

// The parts of an instruction that matter here. VEX, EVEX and REX2 forms are told apart by their first opcode byte
// (c4, c5, 62, d5), which none of our cases is.
struct Parts {
  size_t opcode = 0; // index of the first opcode byte; bytes.size() where there is none
  uint8_t rex = 0;   // 0: none
  bool operandSize = false;
  bool repeat = false;  // f3
  bool twoByte = false; // 0f escape
  uint8_t code = 0;     // opcode, behind the escape
  uint8_t modrm = 0;    // 0 where it is not there
};

Parts partsOf(BytesView bytes) {
  Parts parts;
  size_t at = 0;
  // A REX prefix counts only directly before the opcode (SDM vol. 2, 2.2.1).
  for (; at < bytes.size() && (isLegacyPrefix(bytes[at]) || isRex(bytes[at])); at++) {
    parts.rex = isRex(bytes[at]) ? bytes[at] : uint8_t{0};
    if (bytes[at] == 0x66) parts.operandSize = true;
    if (bytes[at] == 0xf3) parts.repeat = true;
  }
  parts.opcode = at;
  if (at < bytes.size() && bytes[at] == 0x0f) {
    parts.twoByte = true;
    at++;
  }
  if (at < bytes.size()) parts.code = bytes[at];
  if (at + 1 < bytes.size()) parts.modrm = bytes[at + 1];
  return parts;
}

unsigned regField(const Parts &parts) { return (parts.modrm >> 3) & 7U; }

// call, jmp and jcc with a displacement: their prefixes say nothing that matters to us (bnd, branch hints, an ignored
// operand size, the padding that linkers write when they relax an indirect call).
bool isRelativeBranch(const Parts &parts) {
  if (parts.twoByte) return (parts.code & 0xf0) == 0x80;
  return parts.code == 0xe8 || parts.code == 0xe9 || parts.code == 0xeb || (parts.code & 0xf0) == 0x70;
}

// 90, the multi-byte 0f 1f, and endbr32, which is one in 64-bit mode. f3 90 is `pause`, REX.B makes 90 an xchg of r8.
bool isNoop(const Parts &parts) {
  if (parts.twoByte) return parts.code == 0x1f || (parts.code == 0x1e && parts.repeat && parts.modrm == 0xfb);
  return parts.code == 0x90 && !parts.repeat && (parts.rex & 1) == 0;
}

bool isUndefinedInstruction(const Parts &parts) { // ud2, ud1, ud0
  return parts.twoByte && (parts.code == 0x0b || parts.code == 0xb9 || parts.code == 0xff);
}

// call and jmp through a register or memory.
bool isIndirectBranch(const Parts &parts) {
  return !parts.twoByte && parts.code == 0xff && (regField(parts) == 2 || regField(parts) == 4);
}

std::string_view nameOfPrefix(uint8_t prefix, const Parts &parts) {
  switch (prefix) {
  case 0x26: return "es ";
  case 0x2e: return "cs ";
  case 0x36: return "ss ";
  case 0x3e: return isIndirectBranch(parts) ? "notrack " : "ds ";
  case 0x64: return "fs ";
  case 0x65: return "gs ";
  case 0x66: return "data16 ";
  case 0x67: return "addr32 ";
  case 0xf0: return "lock ";
  case 0xf2: return isRelativeBranch(parts) || isIndirectBranch(parts) ? "bnd " : "repne ";
  case 0xf3: return "rep ";
  default: return isRex(prefix) && (prefix & 8) != 0 ? "rex64 " : "rex ";
  }
}

} // namespace

size_t opcodeOffset(BytesView bytes) { return partsOf(bytes).opcode; }

size_t skippedPrefixes(BytesView bytes) {
  Parts parts = partsOf(bytes);
  if (parts.opcode >= bytes.size()) return 0;
  if (isRelativeBranch(parts)) return parts.opcode;
  if (!isIndirectBranch(parts)) return 0;
  auto other = [](uint8_t byte) { return byte != 0x3e && byte != 0xf2; }; // LLVM's text drops a `notrack`
  return static_cast<size_t>(std::ranges::find_if(bytes, other) - bytes.begin());
}

bool onlyPrefixes(BytesView bytes) {
  return std::ranges::all_of(bytes, [](uint8_t byte) { return isLegacyPrefix(byte) || isRex(byte); });
}

std::string prefixText(BytesView bytes, size_t count) {
  Parts parts = partsOf(bytes);
  std::string text;
  for (uint8_t prefix : bytes.first(count))
    text += nameOfPrefix(prefix, parts);
  return text;
}

void refine(Instruction &instruction, BytesView bytes) {
  Parts parts = partsOf(bytes);
  instruction.isNop = isNoop(parts);
  instruction.isEndbr = parts.twoByte && parts.code == 0x1e && parts.repeat && parts.modrm == 0xfa;
  if (isUndefinedInstruction(parts)) instruction.endsFlow = true;
  if (parts.twoByte && (parts.code == 0x07 || parts.code == 0x35)) // sysret, sysexit
    instruction.isReturn = instruction.endsFlow = true;
  if (parts.twoByte) return;
  if (parts.code == 0xf4) instruction.endsFlow = true;                // hlt: faults in user mode
  if (parts.code == 0xca || parts.code == 0xcb || parts.code == 0xcf) // far return, iret
    instruction.isReturn = instruction.endsFlow = true;
  if (parts.code == 0xff && regField(parts) == 5) // far jmp
    instruction.isBranch = instruction.isIndirect = instruction.endsFlow = true;
  if (parts.code == 0xff && regField(parts) == 3) // far call
    instruction.isCall = instruction.isIndirect = true;
}

std::optional<NamedRegister> registerNamed(std::string_view name) {
  constexpr std::array<std::array<std::string_view, 5>, 5> kOld{{{"RAX", "EAX", "AX", "AL", "AH"},
                                                                 {"RCX", "ECX", "CX", "CL", "CH"},
                                                                 {"RDX", "EDX", "DX", "DL", "DH"},
                                                                 {"RSI", "ESI", "SI", "SIL", ""},
                                                                 {"RDI", "EDI", "DI", "DIL", ""}}};
  for (size_t i = 0; i < kOld.size(); i++)
    if (auto found = std::ranges::find(kOld[i], name); found != kOld[i].end())
      return NamedRegister{static_cast<uint8_t>(i), found - kOld[i].begin() < 2};
  auto number = [&](size_t from) -> std::optional<unsigned> {
    unsigned value = 0;
    if (from == name.size()) return std::nullopt;
    for (char c : name.substr(from)) {
      if (c < '0' || c > '9' || value > 31) return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
  };
  constexpr uint8_t kR8 = 5, kXmm0 = 9;
  if (name.size() > 3 && name.substr(1, 2) == "MM")
    if (auto found = number(3); found && *found < 16) return NamedRegister{static_cast<uint8_t>(kXmm0 + *found), true};
  if (!name.starts_with("R")) return std::nullopt;
  bool part = name.ends_with("W") || name.ends_with("B");
  if (part || name.ends_with("D")) name.remove_suffix(1);
  if (auto found = number(1); found && *found >= 8 && *found < 12)
    return NamedRegister{static_cast<uint8_t>(kR8 + *found - 8), !part};
  return std::nullopt;
}

void refineRegisters(RegisterUse &use, BytesView bytes) {
  constexpr RegisterSet kRax = 1, kRcx = 2, kR11 = 0x100, kSystemCall = 0xfd; // rax, rdx, rsi, rdi, r8, r9, r10
  Parts parts = partsOf(bytes);
  if (parts.twoByte && parts.code == 0x05) { // syscall
    use.reads |= kSystemCall;
    use.changes |= kRax | kRcx | kR11;
    use.replaces |= kRax | kRcx | kR11;
  }
  // movs, cmps, stos, lods, scas; repeated, as LLVM reads the prefix for an instruction of its own
  bool isString = !parts.twoByte && ((parts.code & 0xfc) == 0xa4 || (parts.code >= 0xaa && parts.code <= 0xaf));
  auto repeats = [](uint8_t byte) { return byte == 0xf2 || byte == 0xf3; };
  if (!isString || std::ranges::none_of(bytes.first(parts.opcode), repeats)) return;
  use.reads |= kRcx;
  use.changes |= kRcx;
  use.replaces |= kRcx;
}

bool clearsItself(std::string_view name) {
  constexpr std::array<std::string_view, 10> kClearing{"XOR",   "SUB",  "SBB",   "PXOR",   "VPXOR",
                                                       "VXORP", "PSUB", "VPSUB", "PCMPEQ", "VPCMPEQ"};
  return std::ranges::any_of(kClearing, [&](std::string_view each) { return name.starts_with(each); });
}

// Bytes of other instructions and of data may look the same: who asks decodes what is around them.
std::vector<uint64_t> callsOf(uint64_t target, BytesView code, uint64_t address) {
  constexpr size_t kSize = 5; // e8, e9 rel32; 0f 8x rel32 has its displacement at the end, too
  std::vector<uint64_t> found;
  for (size_t at = 0; at + kSize <= code.size(); at++) {
    uint8_t first = code[at];
    bool jumps = (first & 0xfe) == 0xe8;
    bool branches = (first & 0xf0) == 0x80 && at > 0 && code[at - 1] == 0x0f;
    if (!jumps && !branches) continue;
    auto distance = static_cast<int32_t>(loadLittle(code.subspan(at + 1, 4)));
    if (address + at + kSize + static_cast<uint64_t>(int64_t{distance}) == target)
      found.push_back(address + at - (jumps ? 0 : 1));
  }
  return found;
}

} // namespace lpc::x86_64
