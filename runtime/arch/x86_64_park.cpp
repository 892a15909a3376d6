// By hand, as x86_64_stub.cpp, and for the same reasons. poll(2) leaves its three arguments in their registers, so the
// loop needs to load the number only.
#include "runtime/arch/x86_64_park.h"

#include <poll.h>
#include <sys/syscall.h>

namespace lpc::runtime::x86_64 {
namespace {

constexpr uint64_t kCode32 = 0x23; // code segment of 32-bit programs
constexpr unsigned kExitGroup32 = 252;

} // namespace

const ParkStub &parkStub() {
  static const ParkStub stub{
      .code =
          {
              0xb8, SYS_poll,       0,    0, 0, //  0 mov eax, SYS_poll
              0x0f, 0x05,                       //  5 syscall
              0x83, 0xf8,           0xfc,       //  7 cmp eax, -EINTR
              0x74, 0xf4,                       // 10 je 0
              0xbf, kParkStatus,    0,    0, 0, // 12 mov edi, kParkStatus
              0xb8, SYS_exit_group, 0,    0, 0, // 17 mov eax, SYS_exit_group
              0x0f, 0x05,                       // 22 syscall
          },
      .sleep = 0,
      .call = 5,
  };
  return stub;
}

std::array<uint8_t, 8> pollList(int descriptor) {
  std::array<uint8_t, 8> list{};
  storeLittle(std::span(list).first(4), static_cast<uint64_t>(descriptor));
  storeLittle(std::span(list).subspan(4, 2), POLLIN);
  return list;
}

user_regs_struct parked(user_regs_struct registers, RemoteAddress stub, RemoteAddress list) {
  registers.rip = (stub + parkStub().sleep).value;
  registers.rsp = registers.rdi = list.value;
  registers.rsi = 1;
  registers.rdx = ~uint64_t{0}; // without an end
  registers.orig_rax = ~uint64_t{0};
  return registers;
}

Bytes exitCode(const user_regs_struct &registers, int status) {
  bool is32 = registers.cs == kCode32;
  Bytes code = {0xb8}; // mov eax, exit_group
  appendLittle(code, is32 ? kExitGroup32 : SYS_exit_group, 4);
  code.push_back(is32 ? 0xbb : 0xbf); // mov ebx, status; mov edi, status
  appendLittle(code, static_cast<unsigned>(status), 4);
  const Bytes last = is32 ? Bytes{0xcd, 0x80} : Bytes{0x0f, 0x05}; // int 0x80; syscall
  code.insert(code.end(), last.begin(), last.end());
  return code;
}

} // namespace lpc::runtime::x86_64
