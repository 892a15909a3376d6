#include "ir/support/bytes.h"

#include <gtest/gtest.h>

#include "ir/support/address.h"

namespace lpc {
namespace {

TEST(Hex, isLowerCaseWithoutBlanks) {
  EXPECT_EQ(toHex(Bytes{0xf3, 0x0f, 0x1e, 0xfa, 0x00}), "f30f1efa00");
  EXPECT_EQ(toHex({}), "");
}

TEST(Hex, isSpacedForPeople) {
  Bytes four{0xf3, 0x0f, 0x1e, 0xfa};
  EXPECT_EQ(toSpacedHex(four), "f3 0f 1e fa");
  EXPECT_EQ(toSpacedHex(four, 4), "f3 0f 1e fa");
  EXPECT_EQ(toSpacedHex(four, 3), "f3 0f 1e …");
  EXPECT_EQ(toSpacedHex({}), "");
}

TEST(Hex, isReadBack) {
  EXPECT_EQ(fromHex("f30F1eFa"), (Bytes{0xf3, 0x0f, 0x1e, 0xfa}));
  EXPECT_EQ(fromHex(""), Bytes{});
  EXPECT_EQ(fromHex("f"), std::nullopt);
  EXPECT_EQ(fromHex("fg"), std::nullopt);
  EXPECT_EQ(fromHex("f3 0f"), std::nullopt);
  EXPECT_EQ(fromHex("0x"), std::nullopt);
  EXPECT_EQ(fromHex("+1"), std::nullopt);
  Bytes all;
  for (unsigned i = 0; i < 256; i++)
    all.push_back(static_cast<uint8_t>(i));
  EXPECT_EQ(fromHex(toHex(all)), all);
}

TEST(Little, storesAndLoadsEveryWidth) {
  for (unsigned width : {1U, 2U, 4U, 8U}) {
    Bytes out{0xee};
    appendLittle(out, 0x8877665544332211U, width);
    ASSERT_EQ(out.size(), width + 1);
    EXPECT_EQ(out[1], 0x11);
    EXPECT_EQ(out.back(), 0x11 * width);
    uint64_t mask = width == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * width)) - 1;
    EXPECT_EQ(loadLittle(BytesView(out).subspan(1)), 0x8877665544332211U & mask);
  }
  EXPECT_EQ(loadLittle({}), 0U);
  EXPECT_EQ(loadLittle(Bytes{0, 0, 1}), 0x10000U);
}

TEST(LittleDeathTest, refusesMoreThanEightBytes) {
  EXPECT_EXIT(loadLittle(Bytes(9)), ::testing::ExitedWithCode(70), "does not hold");
}

TEST(Address, isSpelledInHexadecimal) {
  EXPECT_EQ(hexAddress(0), "0x0");
  EXPECT_EQ(hexAddress(LinkAddress{0x12a45}), "0x12a45");
  EXPECT_EQ(hexAddress(UINT64_MAX), "0xffffffffffffffff");
}

TEST(Address, isNotMovedOutOfTheAddressSpace) {
  EXPECT_EQ(RemoteAddress{8}.plus(-8), RemoteAddress{0});
  EXPECT_EQ(RemoteAddress{8}.plus(-9), std::nullopt);
  EXPECT_EQ(RemoteAddress{UINT64_MAX}.plus(0), RemoteAddress{UINT64_MAX});
  EXPECT_EQ(RemoteAddress{UINT64_MAX}.plus(1), std::nullopt);
  EXPECT_EQ(RemoteAddress{1}.plus(INT64_MAX), RemoteAddress{uint64_t{1} << 63});
  EXPECT_EQ(RemoteAddress{uint64_t{1} << 63}.plus(INT64_MIN), RemoteAddress{0});
}

} // namespace
} // namespace lpc
