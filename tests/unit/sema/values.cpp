// Integer ranges, floating point, strings: what is written, and what is too much.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

#include "ir/support/bytes.h"

namespace lpc::test {
namespace {

// The bytes that `set wide TYPE VALUE` writes, in hexadecimal; or the ids of what is wrong with it.
std::string written(const std::string &typeAndValue) {
  Checked checked = check("set wide " + typeAndValue + "\n", assembled(kServer));
  if (!checked.good) return ids("set wide " + typeAndValue + "\n", assembled(kServer));
  const auto &write = action<ir::Write>(checked, 0);
  EXPECT_EQ(write.width, std::get<Bytes>(write.value).size());
  return toHex(std::get<Bytes>(write.value));
}

TEST(Values, IntegersTakeTheirWholeRangeAndNoMore) {
  struct Row {
    const char *lowest, *lowestBytes, *highest, *highestBytes;
    std::vector<const char *> bad;
  };
  for (const Row &row : std::initializer_list<Row>{
           {"i8 -128", "80", "i8 127", "7f", {"i8 -129", "i8 128"}},
           {"u8 0", "00", "u8 0xff", "ff", {"u8 -1", "u8 256"}},
           {"i16 -32768", "0080", "i16 32767", "ff7f", {"i16 -32769", "i16 0x8000"}},
           {"u16 0", "0000", "u16 65535", "ffff", {"u16 -1", "u16 65536"}},
           {"i32 -2147483648", "00000080", "i32 2147483647", "ffffff7f", {"i32 -2147483649", "i32 2147483648"}},
           {"u32 0", "00000000", "u32 4294967295", "ffffffff", {"u32 -1", "u32 4294967296"}},
           {"int -2147483648", "00000080", "int 4294967295", "ffffffff", {"int -2147483649", "int 4294967296"}},
           {"i64 -9223372036854775808",
            "0000000000000080",
            "i64 9223372036854775807",
            "ffffffffffffff7f",
            {"i64 -9223372036854775809", "i64 9223372036854775808"}},
           {"u64 0", "0000000000000000", "u64 18446744073709551615", "ffffffffffffffff", {"u64 -1"}},
       }) {
    EXPECT_EQ(written(row.lowest), row.lowestBytes) << row.lowest;
    EXPECT_EQ(written(row.highest), row.highestBytes) << row.highest;
    for (const char *bad : row.bad)
      EXPECT_EQ(written(bad), "integer-out-of-range") << bad;
  }
}

TEST(Values, MinusZeroIsZero) { EXPECT_EQ(written("u8 -0"), "00"); }

TEST(Values, FloatingPointIsRoundedButNeverLost) {
  EXPECT_EQ(written("f64 1"), "000000000000f03f");
  EXPECT_EQ(written("f32 0.1"), "cdcccc3d");
  EXPECT_EQ(written("f32 inf"), "0000807f");
  EXPECT_EQ(written("f32 0"), "00000000");
  EXPECT_EQ(written("f32 1e39"), "integer-out-of-range");
  EXPECT_EQ(written("f32 1e-60"), "integer-out-of-range");
  EXPECT_EQ(written("f64 1e39"), "1d4a9cf487820748");
}

TEST(Values, Strings) {
  EXPECT_EQ(written("text \"ab\""), "6162");
  EXPECT_EQ(written("cstr \"ab\""), "616200");
  EXPECT_EQ(written("cstr \"\""), "00");
  EXPECT_EQ(written("str a b"), "612062");
  EXPECT_EQ(written("hex 01 02ff"), "0102ff");
  EXPECT_EQ(written("text \"\""), "empty-value");
}

TEST(Values, TheMessageNamesTheRange) {
  EXPECT_EQ(check("set counter u8 300\n", assembled(kServer)).text,
            R"(p.lp:1:16: error: `300` does not fit `u8`, which is 0 to 255 [integer-out-of-range]
    1 | set counter u8 300
      |                ^~~
)");
}

} // namespace
} // namespace lpc::test
