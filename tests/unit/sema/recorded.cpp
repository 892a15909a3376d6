// What the file has at a place, where the file decides it, and `was`.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

#include "ir/support/bytes.h"

namespace lpc::test {
namespace {

std::optional<std::string> recorded(const std::string &set, const std::string &program) {
  Checked checked = check(set + "\n", program);
  EXPECT_EQ(checked.text, "");
  if (!checked.good) return std::nullopt;
  const auto &write = action<ir::Write>(checked, 0);
  return write.recorded ? std::optional(toHex(*write.recorded)) : std::nullopt;
}

TEST(Recorded, ReadOnlyDataAndCode) {
  EXPECT_EQ(recorded("set greeting text \"HE\"", assembled(kServer)), "6865");
  EXPECT_EQ(recorded("set handle_request+9 u8 2", assembled(kServer)), "01");
}

TEST(Recorded, NotWhatTheProcessDecides) {
  EXPECT_EQ(recorded("set counter int 1", assembled(kServer)), std::nullopt);
  EXPECT_EQ(recorded("set zeros int 1", assembled(kServer)), std::nullopt);
  EXPECT_EQ(recorded("set 0x999000 int 1", assembled(kServer)), std::nullopt);
  EXPECT_EQ(recorded("set [function_pointer] int 1", assembled(kServer)), std::nullopt);
}

TEST(Recorded, NotWhatIsRelocated) {
  std::string program =
      build({.sources = {{"r.c", "int target_variable; int *const pointer = &target_variable; const int number = 3; "
                                 "const struct { int *p; int n; } both = {&target_variable, 4};\n"
                                 "void _start(void) { for (;;); }\n"}},
             .flags = {"-pie", "-fPIE", "-O0"}});
  EXPECT_EQ(recorded("set pointer addr target_variable", program), std::nullopt);
  EXPECT_EQ(recorded("set number int 4", program), "03000000");
  EXPECT_EQ(recorded("set both u64 4", program), std::nullopt); // in .data.rel.ro, relocated
  EXPECT_EQ(recorded("set both+8 int 5", program), "04000000"); // in .data.rel.ro, not relocated
}

TEST(Was, IsComparedWithWhatTheFileDecides) {
  EXPECT_EQ(check("set greeting text \"HE\" was \"he\"\nset counter int 1 was 999\nset wide addr tiny was neighbour\n",
                  assembled(kServer))
                .text,
            "");
  EXPECT_EQ(check("set greeting text \"HE\" was \"ha\"\n", assembled(kServer)).text,
            R"(p.lp:1:28: error: `./server` does not have this value at `greeting` [was-mismatch]
    1 | set greeting text "HE" was "ha"
      |                            ^~~~
  patch  68 61
  file   68 65
)");
}

TEST(Was, IsAsLongAsTheValue) {
  EXPECT_EQ(
      check("set greeting text \"HE\" was \"hel\"\n", assembled(kServer)).text,
      R"(p.lp:1:28: error: `was` has 3 bytes, and the new value 2: it states what the new value replaces [was-length]
    1 | set greeting text "HE" was "hel"
      |                            ^~~~~
)");
}

TEST(Was, StandsInTheIr) {
  Checked checked = check("set counter int 1 was 7\n", assembled(kServer));
  ASSERT_TRUE(checked.good);
  EXPECT_EQ(action<ir::Write>(checked, 0).was, (std::optional<ir::Value>(Bytes{7, 0, 0, 0})));
}

} // namespace
} // namespace lpc::test
