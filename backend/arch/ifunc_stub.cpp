// The stub, by hand: fifteen instructions don't pay for an assembler at run time. Every register that can carry an
// argument (System V x86-64 psABI, "Parameter Passing": rdi rsi rdx rcx r8 r9, rax for the count of vector registers,
// r10 the static chain, xmm0-7) is kept across the resolver's call. The upper halves of ymm and zmm are not: resolvers
// are compiled without vector code (glibc's are, so that they can run before relocation), and a resolver that used them
// would break the dynamic linker's own lazy binding just as well.
//
// Two threads may both be the first: each stores the same pointer in one aligned word.
#include "backend/arch/ifunc_stub.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kSize = 224, kJumpSize = 16;
constexpr uint64_t kFirstTime = 16; // offset of the part that calls the resolver

void emit(Bytes &code, std::initializer_list<uint8_t> bytes) { code.insert(code.end(), bytes); }

void emitSlotDisplacement(Bytes &code, RemoteAddress at, RemoteAddress slot) {
  uint64_t next = at.value + code.size() + 4;
  appendLittle(code, static_cast<uint32_t>(slot.value - next), 4);
}

Bytes jumpThrough(RemoteAddress at, RemoteAddress slot) {
  Bytes code;
  emit(code, {0xf3, 0x0f, 0x1e, 0xfa}); // endbr64
  emit(code, {0xff, 0x25});             // jmp [rip + slot]
  emitSlotDisplacement(code, at, slot);
  code.resize(kJumpSize, 0xcc); // int3: never reached
  return code;
}

} // namespace

uint64_t ifuncStubSize(Machine machine) {
  LPC_CHECK(machine == Machine::X86_64);
  return kSize;
}

uint64_t slotJumpSize(Machine machine) {
  LPC_CHECK(machine == Machine::X86_64);
  return kJumpSize;
}

Bytes slotJump(Machine machine, uint64_t at, uint64_t slot) {
  LPC_CHECK(machine == Machine::X86_64);
  return jumpThrough({at}, {slot});
}

RemoteAddress ifuncSlotStart(Machine machine, RemoteAddress at) {
  LPC_CHECK(machine == Machine::X86_64);
  return at + kFirstTime;
}

Bytes ifuncStub(Machine machine, RemoteAddress at, RemoteAddress slot, RemoteAddress resolver) {
  LPC_CHECK(machine == Machine::X86_64);
  static_assert(kFirstTime == kJumpSize);
  Bytes code = jumpThrough(at, slot);
  // Entered as the function itself would be: rsp is 8 mod 16. Eight pushes and 0x88 bytes make it 0 mod 16 for the
  // call.
  emit(code, {0xf3, 0x0f, 0x1e, 0xfa}); // endbr64
  emit(code, {0x57});                   // push rdi
  emit(code, {0x56});                   // push rsi
  emit(code, {0x52});                   // push rdx
  emit(code, {0x51});                   // push rcx
  emit(code, {0x41, 0x50});             // push r8
  emit(code, {0x41, 0x51});             // push r9
  emit(code, {0x50});                   // push rax
  emit(code, {0x41, 0x52});             // push r10
  emit(code, {0x48, 0x81, 0xec});       // sub rsp, 0x88
  appendLittle(code, 0x88, 4);
  for (uint8_t xmm = 0; xmm < 8; xmm++)
    emit(code, {0x0f, 0x11, static_cast<uint8_t>(0x44 | xmm << 3), 0x24,
                static_cast<uint8_t>(xmm * 16)}); // movups [rsp + 16*xmm], xmm
  emit(code, {0x48, 0xb8});                       // movabs rax, resolver
  appendLittle(code, resolver.value, 8);
  emit(code, {0xff, 0xd0});       // call rax
  emit(code, {0x48, 0x89, 0x05}); // mov [rip + slot], rax
  emitSlotDisplacement(code, at, slot);
  emit(code, {0x49, 0x89, 0xc3}); // mov r11, rax
  for (uint8_t xmm = 0; xmm < 8; xmm++)
    emit(code, {0x0f, 0x10, static_cast<uint8_t>(0x44 | xmm << 3), 0x24,
                static_cast<uint8_t>(xmm * 16)}); // movups xmm, [rsp + 16*xmm]
  emit(code, {0x48, 0x81, 0xc4});                 // add rsp, 0x88
  appendLittle(code, 0x88, 4);
  emit(code, {0x41, 0x5a});       // pop r10
  emit(code, {0x58});             // pop rax
  emit(code, {0x41, 0x59});       // pop r9
  emit(code, {0x41, 0x58});       // pop r8
  emit(code, {0x59});             // pop rcx
  emit(code, {0x5a});             // pop rdx
  emit(code, {0x5e});             // pop rsi
  emit(code, {0x5f});             // pop rdi
  emit(code, {0x41, 0xff, 0xe3}); // jmp r11
  LPC_CHECK(code.size() <= kSize);
  code.resize(kSize, 0xcc); // int3: never reached
  return code;
}

} // namespace lpc::backend
