// What stands before a return address: calls of every form, and what is none.
#include <gtest/gtest.h>

#include "backend/arch/arch.h"

namespace lpc::backend {
namespace {

using CallKind = Arch::CallKind;

struct Case {
  const char *what;
  Bytes end; // behind no-ops
  CallKind kind;
};

TEST(ArchCall, BeforeAReturnAddress) {
  const std::vector<Case> cases{
      {"call rel32", {0xe8, 0x11, 0x22, 0x33, 0x00}, CallKind::Direct},
      {"call rax", {0xff, 0xd0}, CallKind::Indirect},
      {"call r14", {0x41, 0xff, 0xd6}, CallKind::Indirect},
      {"call [rax]", {0xff, 0x10}, CallKind::Indirect},
      {"call [rbx+8]", {0xff, 0x53, 0x08}, CallKind::Indirect},
      {"call [r12]", {0x41, 0xff, 0x14, 0x24}, CallKind::Indirect},
      {"call [rax+rbx*8+16]", {0xff, 0x54, 0xd8, 0x10}, CallKind::Indirect},
      {"call [rip+100]", {0xff, 0x15, 0x64, 0x00, 0x00, 0x00}, CallKind::Indirect},
      {"call [rbx+1000]", {0xff, 0x93, 0xe8, 0x03, 0x00, 0x00}, CallKind::Indirect},
      {"call [rax+rbx*8+1000]", {0xff, 0x94, 0xd8, 0xe8, 0x03, 0x00, 0x00}, CallKind::Indirect},
      {"jmp rax", {0xff, 0xe0}, CallKind::None},
      {"push [rax]", {0xff, 0x30}, CallKind::None},
      {"jmp rel32", {0xe9, 0x11, 0x22, 0x33, 0x00}, CallKind::None},
      {"ret", {0xc3}, CallKind::None},
      {"nothing", {}, CallKind::None}};
  for (const Case &one : cases) {
    Bytes bytes(Arch::kLongestCall - one.end.size(), 0x90);
    bytes.insert(bytes.end(), one.end.begin(), one.end.end());
    EXPECT_EQ(Arch::of(Machine::X86_64).callBefore(bytes), one.kind) << one.what;
  }
}

} // namespace
} // namespace lpc::backend
