// The command and the scripts of 2004, word for word.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::MatchesRegex;

constexpr const char *kReadme = "dl foo patch.so\n"
                                "  jmp func_J $foo:func1\n"
                                "  set str_P addr $foo:patch_message\n";

struct Case {
  int threads;
  const char *program;
};

class Readme2004 : public testing::TestWithParam<Case> {};

TEST_P(Readme2004, ReplacesTheFunctionAndThePointer) {
  WorkFolder folder;
  std::filesystem::copy(kPayload, "patch.so");
  Service service(GetParam().threads, kBinaries + "/" + GetParam().program);
  service.expectUntouched();

  RunResult done = livepatch({service.pidText(), service.program()}, kReadme);
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, MatchesRegex("dl foo @ 0x[0-9a-f]+ \\[[0-9]+\\] patch.so\n"
                                     "jmp 0x[0-9a-f]+ 0x[0-9a-f]+\n"
                                     "set 0x[0-9a-f]+ addr 0x[0-9a-f]+\n"));
  EXPECT_EQ(service.call(), "func_J 4100 str_P a new message number 5 text some text table 01 02 03 04 00 00 wrong 0");
  service.expectWhole();
}

INSTANTIATE_TEST_SUITE_P(Threads, Readme2004,
                         testing::Values(Case{1, "target_service_pie"}, Case{8, "target_service_pie"},
                                         Case{200, "target_service_pie"}, Case{1, "target_service"},
                                         Case{8, "target_service"}, Case{200, "target_service"}),
                         [](const auto &test) {
                           return std::string(test.param.program).substr(7) + std::to_string(test.param.threads);
                         });

TEST(Livepatch2004, ValuesOfAllKinds) {
  WorkFolder folder;
  Service service(1);
  RunResult done = livepatch({service.pidText(), service.program()}, "set number int -0x10\n"
                                                                     "set text str to the end, # and all\n"
                                                                     "set table hex ff00aB\n");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, MatchesRegex("set 0x[0-9a-f]+ int -16\nset 0x[0-9a-f]+ str to the end, # and all\n"
                                     "set 0x[0-9a-f]+ hex ff00ab\n"));
  EXPECT_EQ(
      service.call(),
      "func_J 42 str_P the original message number -16 text to the end, # and all table ff 00 ab 04 00 00 wrong 0");
  service.expectWhole();
}

TEST(Livepatch2004, MemoryAndNumbersAsAddresses) {
  WorkFolder folder;
  folder.write("words.bin", "from a file");
  Service service(1, kBinaries + "/target_service"); // not PIE: link-time addresses are addresses
  RunResult symbols = run({"nm", service.program()});
  std::string number = symbols.out.substr(symbols.out.find(" D number") - 16, 16);
  RunResult done = livepatch({service.pidText(), service.program()}, "new mem 4096\n"
                                                                     "set $mem:16 str hello\n"
                                                                     "load words words.bin\n"
                                                                     "set str_P addr $mem:16\n"
                                                                     "set 0x" +
                                                                         number + " int 010\n");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, MatchesRegex("new mem @ 0x[0-9a-f]+ \\[4096\\]\nset 0x[0-9a-f]+ str hello\n"
                                     "load words @ 0x[0-9a-f]+ \\[11\\] words.bin\nset 0x[0-9a-f]+ addr 0x[0-9a-f]+\n"
                                     "set 0x[0-9a-f]+ int 8\n"));
  EXPECT_EQ(service.call(), "func_J 42 str_P hello number 8 text some text table 01 02 03 04 00 00 wrong 0");
}

TEST(Livepatch2004, AnErrorAnywhereChangesNothing) {
  WorkFolder folder;
  Service service(8);
  RunResult done = livepatch({service.pidText(), service.program()}, "set number int 6\nset no_such_symbol int 1\n");
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.out, "");
  EXPECT_THAT(done.err, testing::HasSubstr("[unknown-symbol]"));
  service.expectUntouched();
}

TEST(Livepatch2004, QuietSaysNothing) {
  WorkFolder folder;
  Service service(1);
  RunResult done = livepatch({"--quiet", service.pidText(), service.program()}, "set number int 6\n");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out + done.err, "");
  EXPECT_THAT(service.call(), testing::HasSubstr("number 6"));
}

} // namespace
} // namespace lpc::test
