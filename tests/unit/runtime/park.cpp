// The code in which a program sleeps at its entry point: decoded again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "ir/machine/decoder.h"
#include "runtime/arch/x86_64_park.h"

namespace lpc::runtime {
namespace {

TEST(Park, ReadsAsIntended) {
  const x86_64::ParkStub &stub = x86_64::parkStub();
  auto decoder = Decoder::create(Machine::X86_64);
  ASSERT_TRUE(decoder.has_value());
  std::vector<std::string> lines;
  std::vector<size_t> starts;
  for (size_t at = 0; at < stub.code.size();) {
    auto instruction = (*decoder)->decode(BytesView(stub.code).subspan(at), at);
    ASSERT_TRUE(instruction.has_value()) << at;
    starts.push_back(at);
    lines.push_back((*decoder)->text(BytesView(stub.code).subspan(at, instruction->length), at));
    at += instruction->length;
  }
  EXPECT_THAT(lines, testing::ElementsAre("mov eax, 0x7", "syscall", "cmp eax, -0x4", "je 0x0", "mov edi, 0x89",
                                          "mov eax, 0xe7", "syscall"));
  EXPECT_EQ(stub.sleep, starts[0]);
  EXPECT_EQ(stub.call, starts[1]);
}

TEST(Park, EndsProgramsOfBothKinds) {
  user_regs_struct registers{};
  registers.cs = 0x33;
  EXPECT_EQ(x86_64::exitInstruction(registers), (Bytes{0x0f, 0x05}));
  EXPECT_EQ(x86_64::exiting(registers, 3).rax, static_cast<uint64_t>(SYS_exit_group));
  EXPECT_EQ(x86_64::exiting(registers, 3).rdi, 3U);
  registers.cs = 0x23;
  EXPECT_EQ(x86_64::exitInstruction(registers), (Bytes{0xcd, 0x80}));
  EXPECT_EQ(x86_64::exiting(registers, 3).rax, 252U);
  EXPECT_EQ(x86_64::exiting(registers, 3).rbx, 3U);
}

} // namespace
} // namespace lpc::runtime
