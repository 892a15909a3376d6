// x86-64: the relocation types that gcc, clang and their assemblers write into objects (psABI table 4.9, all code
// models, with and without -fPIC, all four models of thread-local access).
#include <array>

#include "frontend/target/relocatable_rules.h"

namespace lpc::target {
namespace {

using Form = StaticRule::Form;
using Range = StaticRule::Range;

constexpr std::array<StaticRule, 43> table() {
  std::array<StaticRule, 43> rules{};
  rules[0] = {Form::Nothing, 0, Range::Whole, "R_X86_64_NONE"};
  rules[1] = {Form::Address, 8, Range::Whole, "R_X86_64_64"};
  rules[2] = {Form::FromPlace, 4, Range::Signed, "R_X86_64_PC32"};
  rules[3] = {Form::EntryFromTable, 4, Range::Signed, "R_X86_64_GOT32"};
  rules[4] = {Form::Branch, 4, Range::Signed, "R_X86_64_PLT32"};
  rules[9] = {Form::EntryFromPlace, 4, Range::Signed, "R_X86_64_GOTPCREL"};
  rules[10] = {Form::Address, 4, Range::Unsigned, "R_X86_64_32"};
  rules[11] = {Form::Address, 4, Range::Signed, "R_X86_64_32S"};
  rules[12] = {Form::Address, 2, Range::Either, "R_X86_64_16"};
  rules[13] = {Form::FromPlace, 2, Range::Signed, "R_X86_64_PC16"};
  rules[14] = {Form::Address, 1, Range::Either, "R_X86_64_8"};
  rules[15] = {Form::FromPlace, 1, Range::Signed, "R_X86_64_PC8"};
  rules[17] = {Form::ModuleOffset, 8, Range::Whole, "R_X86_64_DTPOFF64"};
  rules[18] = {Form::ThreadOffset, 8, Range::Whole, "R_X86_64_TPOFF64"};
  rules[19] = {Form::ModulePairEntry, 4, Range::Signed, "R_X86_64_TLSGD"};
  rules[20] = {Form::ModuleEntry, 4, Range::Signed, "R_X86_64_TLSLD"};
  rules[21] = {Form::ModuleOffset, 4, Range::Signed, "R_X86_64_DTPOFF32"};
  rules[22] = {Form::ThreadOffsetEntry, 4, Range::Signed, "R_X86_64_GOTTPOFF"};
  rules[23] = {Form::ThreadOffset, 4, Range::Signed, "R_X86_64_TPOFF32"};
  rules[24] = {Form::FromPlace, 8, Range::Whole, "R_X86_64_PC64"};
  rules[25] = {Form::FromTable, 8, Range::Whole, "R_X86_64_GOTOFF64"};
  rules[26] = {Form::TableFromPlace, 4, Range::Signed, "R_X86_64_GOTPC32"};
  rules[27] = {Form::EntryFromTable, 8, Range::Whole, "R_X86_64_GOT64"};
  rules[28] = {Form::EntryFromPlace, 8, Range::Whole, "R_X86_64_GOTPCREL64"};
  rules[29] = {Form::TableFromPlace, 8, Range::Whole, "R_X86_64_GOTPC64"};
  rules[30] = {Form::EntryFromTable, 8, Range::Whole, "R_X86_64_GOTPLT64"};
  rules[31] = {Form::BranchFromTable, 8, Range::Whole, "R_X86_64_PLTOFF64"};
  rules[32] = {Form::Size, 4, Range::Unsigned, "R_X86_64_SIZE32"};
  rules[33] = {Form::Size, 8, Range::Whole, "R_X86_64_SIZE64"};
  rules[34] = {Form::DescriptorEntry, 4, Range::Signed, "R_X86_64_GOTPC32_TLSDESC"};
  rules[35] = {Form::Nothing, 0, Range::Whole, "R_X86_64_TLSDESC_CALL"}; // marks the call for relaxation
  rules[41] = {Form::EntryFromPlace, 4, Range::Signed, "R_X86_64_GOTPCRELX"};
  rules[42] = {Form::EntryFromPlace, 4, Range::Signed, "R_X86_64_REX_GOTPCRELX"};
  return rules;
}

const StaticRule &ruleOf(uint32_t type) {
  static constexpr auto kRules = table();
  static constexpr StaticRule kUnknown{};
  return type < kRules.size() ? kRules[type] : kUnknown;
}

constexpr uint64_t kStubSize = 8;

void writeStub(std::span<uint8_t> stub, uint64_t at, uint64_t entry) {
  stub[0] = 0xff, stub[1] = 0x25; // jmp qword ptr [rip + …]
  storeLittle(stub.subspan(2, 4), entry - (at + 6));
  stub[6] = 0x66, stub[7] = 0x90; // nop
}

// call rel32 (e8), jmp rel32 (e9), jcc rel32 (0f 80…8f). No other instruction ends like this before a displacement that
// is relative to it: there stands a ModRM byte with mod 0 and rm 5, which is none of these.
bool isBranch(BytesView code, uint64_t offset) {
  if (offset < 1) return false;
  uint8_t last = code[offset - 1];
  return last == 0xe8 || last == 0xe9 || (offset >= 2 && (last & 0xf0) == 0x80 && code[offset - 2] == 0x0f);
}

// lea r64, [rip + disp32]: REX.W, 8d, ModRM with mod 0 and rm 5. Read from the table: mov r64, [rip + disp32], 8b.
bool readsAddress(BytesView code, uint64_t offset) {
  return offset >= 3 && (code[offset - 3] & 0xfb) == 0x48 && code[offset - 2] == 0x8d && (code[offset - 1] & 0xc7) == 5;
}
void makeItRead(std::span<uint8_t> code, uint64_t offset) { code[offset - 2] = 0x8b; }

} // namespace

const StaticMachine &staticRulesX86() {
  static constexpr StaticMachine kMachine{.rule = ruleOf,
                                          .absolute = 1,
                                          .relative = 8,
                                          .tableAddress = 6,
                                          .fromPlace = 2,
                                          .module = 16,
                                          .moduleOffset = 17,
                                          .threadOffset = 18,
                                          .descriptor = 36,
                                          .resolved = 37,
                                          .stubSize = kStubSize,
                                          .writeStub = writeStub,
                                          .isBranch = isBranch,
                                          .readsAddress = readsAddress,
                                          .makeItRead = makeItRead};
  return kMachine;
}

} // namespace lpc::target
