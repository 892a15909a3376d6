// Values and the room they have: objects, sections, memory.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

namespace lpc::test {
namespace {

std::string ids(const std::string &patch) { return lpc::test::ids(patch, assembled(kServer)); }
std::string text(const std::string &patch) { return lpc::test::check(patch, assembled(kServer)).text; }

TEST(Fits, ToTheLastByteOfAnObject) {
  EXPECT_EQ(text("set counter int 1\n"), "");
  EXPECT_EQ(text("set counter text \"abcd\"\n"), "");
  EXPECT_EQ(text("set counter+3 u8 1\n"), "");
  EXPECT_EQ(text("set table+24 u64 1\n"), "");
  EXPECT_EQ(text("set zeros+8 u64 1\n"), "");
}

TEST(Fits, NotPastTheEndOfAnObject) {
  EXPECT_EQ(text("set counter u64 1\nset counter text \"abcde\"\nset counter+2 int 5\n"),
            R"(p.lp:1:13: error: `u64` takes 8 bytes, and `counter` has 4 [past-object-end]
    1 | set counter u64 1
      |             ^~~
  note: `counter` stands at 0x403000 in `./server`, 4 bytes
p.lp:2:18: error: `text` takes 5 bytes, and `counter` has 4 [past-object-end]
    2 | set counter text "abcde"
      |                  ^~~~~~~
  note: `counter` stands at 0x403000 in `./server`, 4 bytes
p.lp:3:15: error: `int` takes 4 bytes, and `counter` has 2 left at `counter+2` [past-object-end]
    3 | set counter+2 int 5
      |               ^~~
  note: `counter` stands at 0x403000 in `./server`, 4 bytes
)");
}

TEST(Fits, ADisplacementStaysInItsObject) {
  EXPECT_EQ(text("set counter+4 u8 1\nset wide-4 int 1\n"),
            R"(p.lp:1:5: error: `counter+4` lies past the end of `counter`, which has 4 bytes [past-object-end]
    1 | set counter+4 u8 1
      |     ^~~~~~~~~
  note: `counter` stands at 0x403000 in `./server`, 4 bytes
p.lp:2:5: error: `wide-4` lies before `wide`, which has 8 bytes [past-object-end]
    2 | set wide-4 int 1
      |     ^~~~~~
  note: `wide` stands at 0x403008 in `./server`, 8 bytes
)");
}

TEST(Fits, ANumberIsBoundByWhatStandsThere) {
  EXPECT_EQ(text("set target!0x403000 int 1\n"), "");
  EXPECT_EQ(ids("set target!0x403000 u64 1\n"), "past-object-end");
  EXPECT_EQ(ids("set 0x403002 int 1\n"),
            "past-object-end"); // a program at a fixed address: link addresses are addresses
}

TEST(Fits, WithoutASizeTheSectionIsTheBound) {
  EXPECT_EQ(text("set unsized u64 1\n"), "");
  EXPECT_EQ(
      text("set unsized+4 u64 1\n"),
      R"(p.lp:1:15: error: `u64` takes 8 bytes, and `.data` of `./server` ends 4 bytes after `unsized+4` [past-section-end]
    1 | set unsized+4 u64 1
      |               ^~~
)");
}

TEST(Fits, NothingThere) {
  EXPECT_EQ(text("set target!0x999000 int 1\n"),
            R"(p.lp:1:5: error: `target!0x999000` is 0x999000, where `./server` has nothing [not-mapped]
    1 | set target!0x999000 int 1
      |     ^~~~~~~~~~~~~~~
)");
  EXPECT_EQ(text("set 0x999000 int 1\n"), ""); // an address of the process: it alone knows
  EXPECT_EQ(ids("set 0xfffffffffffffffd int 1\n"), "not-mapped");
}

TEST(Fits, APointerNeedsAPointer) {
  EXPECT_EQ(text("set function_pointer addr tiny\nset table+0 addr tiny\nset table+8 addr table+32\n"), "");
  EXPECT_EQ(text("set table addr tiny\nset counter addr tiny\n"),
            R"(p.lp:1:5: error: `table` has 32 bytes, and an `addr` is written to a pointer, which has 8 [pointer-size]
    1 | set table addr tiny
      |     ^~~~~
  note: `table` stands at 0x403010 in `./server`, 32 bytes
  help: for its first element write `table+0`
p.lp:2:5: error: `counter` has 4 bytes, and an `addr` is written to a pointer, which has 8 [pointer-size]
    2 | set counter addr tiny
      |     ^~~~~~~
  note: `counter` stands at 0x403000 in `./server`, 4 bytes
)");
  EXPECT_EQ(ids("set table+28 addr tiny\n"), "past-object-end");
}

TEST(Fits, Memory) {
  EXPECT_EQ(text("new m 16\nset $m:12 int 1\nset $m+4 u64 1\nset $m addr $m:16\n"),
            R"(p.lp:4:5: error: the bytes at `$m` are changed by another statement too [overlapping-changes]
    4 | set $m addr $m:16
      |     ^~
  note: it changes 4 of them here
    3 | set $m+4 u64 1
      |     ^~~~
)");
  EXPECT_EQ(
      text("new m 16\nset $m:13 int 1\n"),
      R"(p.lp:2:11: error: `int` takes 4 bytes, and `$m`, which has 16 bytes, has 3 left at `$m:13` [past-memory-end]
    2 | set $m:13 int 1
      |           ^~~
)");
  EXPECT_EQ(ids("new m 16\nset $m:17 u8 1\n"), "past-memory-end");
  EXPECT_EQ(ids("new m 16\nset $m-1 u8 1\n"), "past-memory-end");
  EXPECT_EQ(ids("new m 16\nset $m:16 u8 1\n"), "past-memory-end");
}

TEST(Fits, WhatAPointerIsReadFrom) {
  EXPECT_EQ(text("set [function_pointer]+4 int 1\nset [[table+8]] int 1\n"), "");
  EXPECT_EQ(ids("set [counter] int 1\n"), "past-object-end");
  EXPECT_EQ(ids("new m 16\nset [$m] int 1\n"), "bad-address");
}

} // namespace
} // namespace lpc::test
