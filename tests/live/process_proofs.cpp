// Proofs that only the process can give: of sites and destinations that no file knows, of bytes that are not the file's
// any more, and of what held when the patch was planned and does not hold when everything stands. A function that is
// called between the two spoils it, so that each comes about every time.
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

constexpr const char *kProgram = R"(
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/mman.h>
  long answer(void), after(void), held(void);
  __asm__(".text\n.globl answer, after\n.type answer, @function\n.type after, @function\n"
          "answer: mov $42, %eax\nret\n.size answer, .-answer\n.balign 16\n"
          "after: mov $7, %eax\nret\n.size after, .-after\n");
  struct config { unsigned limit, other; } first = {10, 1}, second = {10, 2};
  struct config *volatile current = &first;
  volatile unsigned version = 7, other = 1;
  void *answers = answer, *data = &first, *end = (char *)answer + 5;
  int spoil_version(void) { version = 8; return 0; }
  int spoil_pointer(void) { current = &second; return 0; }
  int spoil_code(void) {
    char *page = (char *)((unsigned long)answer & -4096ul);
    if (mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return 1;
    ((char *)answer)[1] = 43;
    return mprotect(page, 8192, PROT_READ | PROT_EXEC) != 0;
  }
  int main(void) {
    static char line[64];
    setvbuf(stdout, NULL, _IONBF, 0);
    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
      if (!strcmp(line, "spoil\n") && spoil_code()) abort();
      printf("answer %ld after %ld first %u second %u other %u\n", answer(), after(), first.limit, second.limit, other);
    }
    return 0;
  })";
constexpr const char *kBefore = "answer 42 after 7 first 10 second 10 other 1";
constexpr const char *kSpoilt = "answer 43 after 7 first 10 second 10 other 1";

class ProcessProofs : public Linkage {
protected:
  void SetUp() override {
    folder_.write("program.c", kProgram);
    ASSERT_TRUE(compile({"gcc", "-O1", "-pie", "-fPIE", "-pthread", "-o", "program", "program.c"})) << why_;
    start({"./program"});
    ASSERT_EQ(ask(), kBefore);
  }
  RunResult applied(const std::string &statements) {
    folder_.write("fix.lp", "target program\n" + statements);
    return apply();
  }
  // Nothing was changed but what `spoil` did.
  void expectRefused(const std::string &statements, const std::string &id, const std::string &state = kBefore) {
    SCOPED_TRACE(statements);
    RunResult done = applied(statements);
    EXPECT_NE(done.status, 0) << done.out;
    EXPECT_THAT(done.err, HasSubstr("[" + id + "]"));
    EXPECT_EQ(ask(), state);
  }
};

TEST_F(ProcessProofs, SitesThatNoFileKnows) {
  expectRefused("jmp [data] after\n", "not-code");
  expectRefused("jmp [end] after\n", "site-too-short");
  expectRefused("nop [answers] 3\n", "not-an-instruction");
  EXPECT_EQ(applied("jmp [answers] after\n").status, 0);
  EXPECT_EQ(ask(), "answer 7 after 7 first 10 second 10 other 1");
  EXPECT_EQ(revert().status, 0);
  EXPECT_EQ(ask(), kBefore);
}

TEST_F(ProcessProofs, DestinationsThatNoFileKnows) {
  expectRefused("jmp answer [data]\n", "not-code");
  expectRefused("on pre-apply call [data]\n", "not-code");
}

TEST_F(ProcessProofs, BytesThatAreNotTheFiles) {
  ASSERT_EQ(ask("spoil"), kSpoilt);
  expectRefused("jmp answer after\n", "bytes-differ", kSpoilt);
  expectRefused("return answer 5\n", "bytes-differ", kSpoilt);
  expectRefused("set answer+1 u32 44\n", "bytes-differ", kSpoilt);
}

TEST_F(ProcessProofs, WhatIsExpectedWhenEverythingStands) {
  expectRefused("expect version u32 7\nset other u32 5\non pre-apply call spoil_version\n", "expect-failed");
}

TEST_F(ProcessProofs, WhatWasThereWhenEverythingStands) {
  expectRefused("set version u32 9 was 7\nset other u32 5\non pre-apply call spoil_version\n", "expect-failed");
}

TEST_F(ProcessProofs, CodeWhenEverythingStands) {
  expectRefused("return answer 5\nset other u32 5\non pre-apply call spoil_code\n", "bytes-differ", kSpoilt);
}

// That is no condition: where the pointer leads then is what the patch means.
TEST_F(ProcessProofs, PointersWhenEverythingStands) {
  RunResult done = applied("set [current] u32 5\nset other u32 5\non pre-apply call spoil_pointer\n");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "answer 42 after 7 first 10 second 5 other 5");
  EXPECT_EQ(revert().status, 0);
  EXPECT_EQ(ask(), kBefore);
}

} // namespace
} // namespace lpc::test
