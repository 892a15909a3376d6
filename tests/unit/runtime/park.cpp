// The code in which a program sleeps at its entry point: decoded again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "ir/machine/decoder.h"
#include "runtime/arch/x86_64_park.h"

namespace lpc::runtime {
namespace {

// The instructions of `code`, and where each begins.
std::vector<std::string> decoded(BytesView code, std::vector<size_t> &starts) {
  auto decoder = Decoder::create(Machine::X86_64);
  std::vector<std::string> lines;
  for (size_t at = 0; decoder && at < code.size();) {
    auto instruction = (*decoder)->decode(code.subspan(at), at);
    if (!instruction) {
      ADD_FAILURE() << at;
      break;
    }
    starts.push_back(at);
    lines.push_back((*decoder)->text(code.subspan(at, instruction->length), at));
    at += instruction->length;
  }
  return lines;
}

TEST(Park, ReadsAsIntended) {
  const x86_64::ParkStub &stub = x86_64::parkStub();
  std::vector<size_t> starts;
  EXPECT_THAT(decoded(stub.code, starts), testing::ElementsAre("mov eax, 0x7", "syscall", "cmp eax, -0x4", "je 0x0",
                                                               "mov edi, 0x89", "mov eax, 0xe7", "syscall"));
  EXPECT_EQ(stub.sleep, starts[0]);
  EXPECT_EQ(stub.call, starts[1]);
}

TEST(Park, EndsProgramsOfBothKinds) {
  user_regs_struct registers{};
  std::vector<size_t> starts;
  registers.cs = 0x33;
  EXPECT_THAT(decoded(x86_64::exitCode(registers, 3), starts),
              testing::ElementsAre("mov eax, 0xe7", "mov edi, 0x3", "syscall"));
  registers.cs = 0x23;
  EXPECT_THAT(decoded(x86_64::exitCode(registers, 3), starts), // read the same in both modes
              testing::ElementsAre("mov eax, 0xfc", "mov ebx, 0x3", "int 0x80"));
}

} // namespace
} // namespace lpc::runtime
