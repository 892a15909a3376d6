// x86-64: jumps, no-ops and the dynamic relocations (and those of static linking that we leave in code) of the psABI
// ("System V ABI, AMD64 supplement", table 4.9).
//
// Machine bytes carry their mnemonic. Opcodes: Intel SDM vol. 2; the no-ops are those that it recommends ("NOP").
#include "backend/arch/x86_64.h"

#include <algorithm>
#include <array>
#include <limits>

#include "backend/arch/arch.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kJumpSize = 5;
constexpr uint64_t kReach = (uint64_t{1} << 31) - 64; // less than rel32 by more than a jump or a stub is long

using Value = RelocationRule::Value;
using Range = RelocationRule::Range;
constexpr std::array kRelocations{
    RelocationRule{0, "R_X86_64_NONE", Value::Nothing, 0, Range::Whole},
    RelocationRule{1, "R_X86_64_64", Value::Symbol, 8, Range::Whole},
    RelocationRule{2, "R_X86_64_PC32", Value::SymbolFromPlace, 4, Range::Signed},
    RelocationRule{4, "R_X86_64_PLT32", Value::SymbolFromPlace, 4, Range::Signed},
    RelocationRule{5, "R_X86_64_COPY", Value::Copy, 0, Range::Whole},
    RelocationRule{6, "R_X86_64_GLOB_DAT", Value::Symbol, 8, Range::Whole, true},
    RelocationRule{7, "R_X86_64_JUMP_SLOT", Value::Symbol, 8, Range::Whole, true},
    RelocationRule{8, "R_X86_64_RELATIVE", Value::Base, 8, Range::Whole},
    RelocationRule{10, "R_X86_64_32", Value::Symbol, 4, Range::Unsigned},
    RelocationRule{11, "R_X86_64_32S", Value::Symbol, 4, Range::Signed},
    RelocationRule{16, "R_X86_64_DTPMOD64", Value::ModuleId, 8, Range::Whole},
    RelocationRule{17, "R_X86_64_DTPOFF64", Value::ModuleOffset, 8, Range::Whole},
    RelocationRule{18, "R_X86_64_TPOFF64", Value::ThreadOffset, 8, Range::Whole},
    RelocationRule{21, "R_X86_64_DTPOFF32", Value::ModuleOffset, 4, Range::Signed},
    RelocationRule{23, "R_X86_64_TPOFF32", Value::ThreadOffset, 4, Range::Signed},
    RelocationRule{24, "R_X86_64_PC64", Value::SymbolFromPlace, 8, Range::Whole},
    RelocationRule{36, "R_X86_64_TLSDESC", Value::ThreadDescriptor, 16, Range::Whole},
    RelocationRule{37, "R_X86_64_IRELATIVE", Value::IndirectFunction, 8, Range::Whole},
};
constexpr uint32_t kRelative = 8;

constexpr std::array<std::string_view, 9> kNoops{
    "90",                 // nop
    "6690",               // nop
    "0f1f00",             // nop dword ptr [rax]
    "0f1f4000",           // nop dword ptr [rax + 0]
    "0f1f440000",         // nop dword ptr [rax + rax + 0]
    "660f1f440000",       // nop word ptr [rax + rax + 0]
    "0f1f8000000000",     // nop dword ptr [rax + 0]
    "0f1f840000000000",   // nop dword ptr [rax + rax + 0]
    "660f1f840000000000", // nop word ptr [rax + rax + 0]
};

class X86_64 final : public Arch {
public:
  [[nodiscard]] uint64_t reach() const override { return kReach; }

  [[nodiscard]] Result<Bytes> jump(RemoteAddress from, RemoteAddress to) const override {
    auto displacement = static_cast<int64_t>(to - (from + kJumpSize));
    if (displacement < std::numeric_limits<int32_t>::min() || displacement > std::numeric_limits<int32_t>::max())
      return fail(DiagnosticId::RelocationOverflow,
                  "a jump from " + hexAddress(from) + " cannot reach " + hexAddress(to));
    Bytes bytes{0xe9}; // jmp rel32
    appendLittle(bytes, static_cast<uint64_t>(displacement), 4);
    return bytes;
  }

  [[nodiscard]] Bytes farJump(RemoteAddress to) const override {
    Bytes bytes{0xff, 0x25, 0, 0, 0, 0}; // jmp qword ptr [rip + 0]
    appendLittle(bytes, to.value, 8);
    return bytes;
  }

  [[nodiscard]] Bytes noops(uint64_t size) const override {
    Bytes bytes;
    while (bytes.size() < size) {
      uint64_t length = std::min<uint64_t>(size - bytes.size(), kNoops.size());
      Bytes one = fromHex(kNoops[length - 1]).value();
      bytes.insert(bytes.end(), one.begin(), one.end());
    }
    return bytes;
  }

  [[nodiscard]] Bytes returnAtOnce(std::optional<uint64_t> value) const override {
    Bytes bytes;
    if (value) {
      switch (returnSize(Machine::X86_64, value)) {
      case 3: bytes = {0x31, 0xc0}; break;       // xor eax, eax
      case 6: bytes = {0xb8}; break;             // mov eax, imm32
      case 8: bytes = {0x48, 0xc7, 0xc0}; break; // mov rax, simm32
      default: bytes = {0x48, 0xb8}; break;      // mov rax, imm64
      }
      appendLittle(bytes, *value, returnSize(Machine::X86_64, value) - 1 - static_cast<unsigned>(bytes.size()));
    }
    bytes.push_back(0xc3); // ret
    return bytes;
  }

  [[nodiscard]] const RelocationRule *relocation(uint32_t type) const override {
    auto found = std::ranges::find(kRelocations, type, &RelocationRule::type);
    return found == kRelocations.end() ? nullptr : &*found;
  }

  // The descriptor's address is in rax, its second word the argument; all other registers are kept.
  [[nodiscard]] Bytes threadDescriptorFunction() const override {
    return {0x48, 0x8b, 0x40, 0x08, // mov rax, qword ptr [rax + 8]
            0xc3};                  // ret
  }

  [[nodiscard]] uint32_t relativeRelocation() const override { return kRelative; }

  [[nodiscard]] bool isIdle(const CodeMemory &memory, uint64_t function, AllowedEffects allowed) const override {
    return x86_64::isIdle(memory, function, allowed);
  }
  [[nodiscard]] CallKind callBefore(BytesView bytes) const override { return x86_64::callBefore(bytes); }
};

} // namespace

const Arch *x86_64::arch() {
  static const X86_64 instance;
  return &instance;
}

} // namespace lpc::backend
