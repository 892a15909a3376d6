// The small files of /proc.
#include "runtime/proc_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/thread_wait.h"

namespace lpc::runtime {
namespace {

const std::string kStatTail = " S 1 2 3 4 5 4194560 7 8 9 10 11 12 13 14 15 16 17 18 123456 20 21 22";

TEST(ProcText, Stat) {
  ThreadStat expected{.state = 'S', .parent = 1, .flags = 4194560, .startTime = 123456};
  EXPECT_EQ(parseStat("42 (server)" + kStatTail), expected);
  EXPECT_EQ(parseStat("42 (a) b) R 9 (c)" + kStatTail), expected); // the name is the process's choice
  EXPECT_EQ(parseStat("42 ()" + kStatTail + "\n"), expected);
  expected.processor = 39, expected.realtime = 50;
  EXPECT_EQ(parseStat("42 (server)" + kStatTail + " 26 27 28 29 30 31 32 33 34 35 36 37 38 39 50 1 42\n"), expected);
  expected.processor = -1, expected.realtime = 0;
  EXPECT_FALSE(expected.isKernelWorker());
  expected.flags |= 0x10;
  EXPECT_TRUE(expected.isKernelWorker());
}

TEST(ProcText, WhatIsNoStat) {
  EXPECT_EQ(parseStat(""), std::nullopt);
  EXPECT_EQ(parseStat("42 server S 1"), std::nullopt);
  EXPECT_EQ(parseStat("42 (server)"), std::nullopt);
  EXPECT_EQ(parseStat("42 (server) S 1 2 3"), std::nullopt);
  EXPECT_EQ(parseStat("42 (server) S x 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"), std::nullopt);
}

TEST(ProcText, StatusFields) {
  std::string_view status =
      "Name:\ta server\nTgid:\t 17 \nTgidX:\t18\nUid:\t1\t2\t3\t4\nCapPrm:\t000001ffffffffff\nEmpty:\n";
  EXPECT_EQ(statusField(status, "Name"), "a server");
  EXPECT_EQ(statusField(status, "Tgid"), "17");
  EXPECT_EQ(statusField(status, "Tgi"), "");
  EXPECT_EQ(statusField(status, "Empty"), "");
  EXPECT_EQ(statusNumber(status, "Tgid"), 17U);
  EXPECT_EQ(statusNumber(status, "Uid"), 1U);
  EXPECT_EQ(statusNumber(status, "CapPrm", 16), 0x1ffffffffffU);
  EXPECT_EQ(statusNumber(status, "Name"), std::nullopt);
  EXPECT_EQ(statusNumber(status, "None"), std::nullopt);
}

TEST(ProcText, ReadsWholeFilesAndSaysWhy) {
  auto own = readText("/proc/self/status");
  ASSERT_TRUE(own);
  EXPECT_EQ(statusNumber(*own, "Pid"), static_cast<uint64_t>(getpid()));
  auto none = readText("/proc/self/no-such-file");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), ENOENT);
}

TEST(ProcText, BlockedCalls) {
  BlockedCall call = parseBlockedCall("202 0x1 0x189 0x0 0x0 0x0 0xffffffff 0x7f0000000010 0x7f1234567890\n");
  EXPECT_EQ(call.number, 202);
  EXPECT_EQ(call.arguments[1], 0x189U);
  EXPECT_EQ(call.arguments[5], 0xffffffffU);
  EXPECT_EQ(call.stackPointer.value, 0x7f0000000010U);
  EXPECT_EQ(call.programCounter.value, 0x7f1234567890U);
  call = parseBlockedCall("-1 0x7f0000000010 0x7f1234567890\n");
  EXPECT_EQ(call.number, -1);
  EXPECT_EQ(call.stackPointer.value, 0x7f0000000010U);
  for (const char *none :
       {"", "running\n", "202\n", "202 0x1 0x2 0x3\n", "-1\n", "99999999 0x1 0x1 0x0 0x0 0x0 0x0 0x1 0x1\n"})
    EXPECT_EQ(parseBlockedCall(none).number, -1) << none;
}

} // namespace
} // namespace lpc::runtime
