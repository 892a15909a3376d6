// `asm`: instructions of the patch's own text, in place and in new memory.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class Asm : public testing::TestWithParam<const char *> {
protected:
  // Applies the patch, sees func_J(41) give 4100 a hundred times, and reverts it.
  void expectPatched(const std::string &text) {
    Service service(8, kBinaries + GetParam());
    folder_.write("asm.lp", "patch asm\n" + text);
    RunResult done = lpc({"apply", "asm.lp", "--pid", service.pidText()});
    ASSERT_EQ(done.status, 0) << done.err;
    for (int i = 0; i < 100; i++)
      ASSERT_THAT(service.call(), HasSubstr("func_J 4100 "));
    EXPECT_THAT(service.call(), HasSubstr("wrong 0"));
    done = lpc({"revert", "asm", "--pid", service.pidText(), "--timeout", "20s"});
    ASSERT_EQ(done.status, 0) << done.err;
    service.expectUntouched();
  }

  WorkFolder folder_;
};

TEST_P(Asm, InPlace) { expectPatched("asm func_J { imul eax, edi, 100; ret }\n"); }

TEST_P(Asm, InPlaceInTheSyntaxOfAtt) { expectPatched("asm att func_J {\n imul $100, %edi, %eax\n ret\n}\n"); }

TEST_P(Asm, InNewMemory) {
  expectPatched("asm new code {\n nop\nscaled:\n imul eax, edi, 100\n ret\n}\njmp func_J $code:scaled\n");
}

// A call of a library, which is out of reach of a program's memory, and of what another block has.
TEST_P(Asm, RefersToAllThatHasAnAddress) {
  expectPatched(R"(new cell 8
set $cell i32 100
asm new times {
  imul eax, dword ptr [rip + $cell]
  ret
}
asm new code {
entry:
  sub rsp, 8
  neg edi
  call libc.so.6!abs
  call qword ptr [rip + .Ltimes]
  add rsp, 8
  cmp dword ptr [rip + number], 5
  jne .Lwrong
  ret
.Lwrong:
  ud2
  .balign 8
.Ltimes:
  .quad $times
}
jmp func_J $code:entry
)");
}

INSTANTIATE_TEST_SUITE_P(Programs, Asm, testing::Values("/target_service", "/target_service_pie"),
                         [](const auto &test) { return std::string(test.param).substr(1); });

// A hook of new code on old code.
TEST_P(Asm, AsAHook) {
  expectPatched(R"(new next 8
asm new code {
  sub rsp, 8
  call qword ptr [rip + $next]
  dec eax
  imul eax, eax, 100
  add rsp, 8
  ret
}
hook func_J $code original $next
)");
}

TEST_P(Asm, ThatDoesNotReachIsRefused) {
  Service service(1, kBinaries + GetParam());
  folder_.write("far.lp", "patch far\nasm new code { lea rax, [rip + libc.so.6!abs]; ret }\njmp func_J $code\n");
  RunResult done = lpc({"apply", "far.lp", "--pid", service.pidText()});
  EXPECT_EQ(done.status, 1) << done.err;
  EXPECT_THAT(done.err, HasSubstr("[relocation-overflow]"));
  EXPECT_THAT(done.err, HasSubstr("far.lp:2"));
  service.expectUntouched();
}

} // namespace
} // namespace lpc::test
