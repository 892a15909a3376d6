// What a worker says of a process goes through a pipe and comes out the same; half of it is nothing.
#include "frontend/driver/row.h"

#include <gtest/gtest.h>

namespace lpc::driver {
namespace {

TEST(Row, IsUnpackedAsItWasPacked) {
  Row row{.pid = 4711,
          .program = "/a b\n",
          .kind = backend::OutcomeKind::Busy,
          .status = 3,
          .pause = "93 us",
          .reason = "process-busy",
          .message = std::string("zero \0 inside", 13),
          .failure = "",
          .json = "{}",
          .said = {{"one", "{1}"}, {"", ""}}};
  std::string text = packed(row) + "rest";
  std::string_view from = text;
  EXPECT_EQ(unpackRow(from), row);
  EXPECT_EQ(from, "rest");
  text = packed(row);
  for (size_t length = 0; length < text.size(); length++) {
    from = std::string_view(text).substr(0, length);
    EXPECT_FALSE(unpackRow(from)) << length;
  }
}

TEST(Row, DamageIsNoRow) {
  std::string text = packed({.pid = 1, .program = "p", .json = "{}"});
  for (size_t i = 0; i < text.size(); i++)
    for (char c : {'\0', '\xff', '9'}) {
      std::string damaged = text;
      damaged[i] = c;
      std::string_view from = damaged;
      (void)unpackRow(from); // anything but a crash or an endless count
    }
}

} // namespace
} // namespace lpc::driver
