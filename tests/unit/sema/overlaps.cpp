// Changes of the same bytes.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

namespace lpc::test {
namespace {

std::string ids(const std::string &patch) { return lpc::test::ids(patch, assembled(kServer)); }
std::string text(const std::string &patch) { return lpc::test::check(patch, assembled(kServer)).text; }

TEST(Overlaps, Neighbours) {
  EXPECT_EQ(text("set counter u16 1\nset counter+2 u16 2\nset flag u8 1\n"), "");
  EXPECT_EQ(text("jmp handle_request neighbour\njmp neighbour tracked\nset table u64 1\nset table+8 u64 1\n"), "");
}

TEST(Overlaps, TheLaterStatementIsToldWithThePlaceOfTheEarlier) {
  EXPECT_EQ(text("set counter+3 u8 1\nset wide int 1\nset counter int 2\n"),
            R"(p.lp:3:5: error: the bytes at `counter` are changed by another statement too [overlapping-changes]
    3 | set counter int 2
      |     ^~~~~~~
  note: it changes 1 of them here
    1 | set counter+3 u8 1
      |     ^~~~~~~~~
)");
}

TEST(Overlaps, OneMessageForOneStatement) {
  EXPECT_EQ(text("set table+0 u64 1\nset table+8 u64 1\nset table hex 00112233445566778899aabbccddeeff\n"),
            R"(p.lp:3:5: error: the bytes at `table` are changed by another statement too [overlapping-changes]
    3 | set table hex 00112233445566778899aabbccddeeff
      |     ^~~~~
  note: it changes 8 of them here
    1 | set table+0 u64 1
      |     ^~~~~~~
  note: it changes 8 of them here
    2 | set table+8 u64 1
      |     ^~~~~~~
)");
}

TEST(Overlaps, ByAnotherNameOfTheSameAddress) {
  EXPECT_EQ(ids("set counter int 1\nset target!0x403000 int 1\n"), "overlapping-changes");
  EXPECT_EQ(ids("set counter int 1\nset 0x403003 u8 1\n"), "overlapping-changes");
  EXPECT_EQ(ids("set 0x999000 int 1\nset 0x999003 u8 1\n"), "overlapping-changes");
  EXPECT_EQ(text("set 0x999000 int 1\nset 0x999004 u8 1\n"), "");
}

TEST(Overlaps, Jumps) {
  EXPECT_EQ(
      text("jmp handle_request neighbour\njmp handle_request+1 neighbour\n"),
      R"(p.lp:2:5: error: the bytes at `handle_request+1` are changed by another statement too [overlapping-changes]
    2 | jmp handle_request+1 neighbour
      |     ^~~~~~~~~~~~~~~~
  note: it changes 7 of them here
    1 | jmp handle_request neighbour
      |     ^~~~~~~~~~~~~~
)");
  EXPECT_EQ(ids("jmp handle_request neighbour\nset handle_request+4 u8 0x90\n"), "overlapping-changes");
  EXPECT_EQ(ids("set tracked u8 0xf3\njmp tracked neighbour\n"), ""); // the jump is behind the endbr64
}

TEST(Overlaps, InMemory) {
  EXPECT_EQ(ids("new m 16\nset $m:4 int 1\nset $m+7 u8 1\n"), "overlapping-changes");
  EXPECT_EQ(ids("new m 16\nnew n 16\nset $m:4 int 1\nset $n:4 int 1\n"), "");
}

TEST(Overlaps, BehindOnePointer) {
  EXPECT_EQ(ids("set [table+0]+4 int 1\nset [table]+7 u8 1\n"), "overlapping-changes");
  EXPECT_EQ(ids("set [table+0]-4 int 1\nset [table] u8 1\nset [table+8] u8 1\n"), "");
}

} // namespace
} // namespace lpc::test
