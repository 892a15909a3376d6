// What the kernel says of a thread that is blocked.
#include "runtime/sleeper.h"

#include <gtest/gtest.h>

namespace lpc::runtime {
namespace {

TEST(Sleeper, Positions) {
  EXPECT_EQ(parsePosition("34 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffd0010 0x401000\n"), (Position{{0x401000}, {0x7ffd0010}}));
  EXPECT_EQ(parsePosition("-1 0x7ffd0010 0x401000\n"), (Position{{0x401000}, {0x7ffd0010}}));
  EXPECT_EQ(parsePosition("-1 0x0 0x0\n"), (Position{}));
}

TEST(Sleeper, WhatIsNoPosition) {
  for (const char *text : {"", "\n", "running\n", "34", "34 0x1", "34 7ffd0010 401000\n", "-1 0x 0x\n", "-1 0x1g 0x2\n",
                           "-1 0x1 0x11111111111111111\n", "-1 0x1 0x2 \n"})
    EXPECT_EQ(parsePosition(text), std::nullopt) << text;
}

} // namespace
} // namespace lpc::runtime
