#include "ir/support/display.h"

#include <gtest/gtest.h>

#include "ir/support/bytes.h"

namespace lpc {
namespace {

TEST(Display, givesOneGlyphForEachColumn) {
  std::vector<Glyph> line = glyphs("a\t\xc3\xa9\xff\xe6\x97\xa5\xf0\x9f\x98\x80");
  ASSERT_EQ(line.size(), 6U);
  EXPECT_EQ(line[0].text, "a");
  EXPECT_EQ(line[1].text, "       "); // to column 8
  EXPECT_EQ(line[2].text, "é");
  EXPECT_EQ(line[3].text, "\\xff");
  EXPECT_EQ(line[3].width, 4U);
  EXPECT_EQ(line[4].width, 2U); // 日
  EXPECT_EQ(line[5].width, 2U); // an emoji
}

TEST(Display, takesInvalidUtf8ByteByByte) {
  EXPECT_EQ(displayable("\xc0\xaf"), "\\xc0\\xaf");                   // overlong
  EXPECT_EQ(displayable("\xe0\x80\x80"), "\\xe0\\x80\\x80");          // overlong
  EXPECT_EQ(displayable("\xed\xa0\x80"), "\\xed\\xa0\\x80");          // a surrogate
  EXPECT_EQ(displayable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); // above U+10FFFF
  EXPECT_EQ(displayable("\xe6\x97"), "\\xe6\\x97");                   // cut off
  EXPECT_EQ(displayable("\xe6\x97\xa5"), "日");                       // the nearest valid one
}

TEST(Display, spellsOutControls) {
  EXPECT_EQ(displayable(std::string_view("\0\x01\x7f\n", 4)), "\\x00\\x01\\x7f\\x0a");
  EXPECT_EQ(displayable("\xc2\x9b"), "\\u{9b}"); // CSI of the C1 set
  EXPECT_EQ(displayable("\u2066\u200b\ufeff"), "\\u{2066}\\u{200b}\\u{feff}");
  EXPECT_EQ(displayable("\u00a0é~"), "\u00a0é~");
}

TEST(Display, quotesExactly) {
  EXPECT_EQ(quoted(""), "\"\"");
  EXPECT_EQ(quoted("a\"\\\n\t\r"), "\"a\\\"\\\\\\n\\t\\r\"");
  EXPECT_EQ(quoted(std::string_view("\0\x1b\xff", 3)), "\"\\x00\\x1b\\xff\"");
  EXPECT_EQ(quoted("日本 é"), "\"日本 é\"");
  EXPECT_EQ(quoted("\u202e"), "\"\\xe2\\x80\\xae\"");
}

} // namespace
} // namespace lpc
