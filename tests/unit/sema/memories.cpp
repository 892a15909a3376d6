// `new`, `load`, and `$` names.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

namespace lpc::test {
namespace {

std::string ids(const std::string &patch) { return lpc::test::ids(patch, assembled(kServer)); }
std::string text(const std::string &patch) { return lpc::test::check(patch, assembled(kServer)).text; }

TEST(Memories, SizesArePossible) {
  EXPECT_EQ(text("new a 1\nnew b 1073741824\n"), "");
  EXPECT_EQ(text("new a 0\nnew b -1\nnew c 1073741825\n"),
            R"(p.lp:1:7: error: `0` bytes can't be made: the size of new memory is 1 byte to 1 GiB [bad-size]
    1 | new a 0
      |       ^
p.lp:2:7: error: `-1` bytes can't be made: the size of new memory is 1 byte to 1 GiB [bad-size]
    2 | new b -1
      |       ^~
p.lp:3:7: error: `1073741825` bytes can't be made: the size of new memory is 1 byte to 1 GiB [bad-size]
    3 | new c 1073741825
      |       ^~~~~~~~~~
)");
}

TEST(Memories, Permissions) {
  Checked checked = check("new a 1\nnew b 1 r\nnew c 1 rx\nnew d 1 rwx\n", assembled(kServer));
  EXPECT_EQ(
      checked.text,
      R"(p.lp:4:9: warning: this memory is writable and executable at once, so whoever can write to it can run what he wrote [writable-code]
    4 | new d 1 rwx
      |         ^~~
  help: take `rx` for code and `rw` for data: `set` writes to memory of any permission
)");
  ASSERT_TRUE(checked.good);
  EXPECT_EQ(checked.patch.memories[0].permission, ir::Permission::RW);
  EXPECT_EQ(checked.patch.memories[1].permission, ir::Permission::R);
  EXPECT_EQ(checked.patch.memories[2].permission, ir::Permission::RX);
  EXPECT_EQ(checked.patch.memories[3].permission, ir::Permission::RWX);
}

TEST(Memories, ANameIsDefinedOnceAndAboveItsUse) {
  EXPECT_EQ(text("new buffer 8\nset $bufer int 1\nset $late int 1\nnew buffer 8\nnew late 8\n"),
            R"(p.lp:2:5: error: `$bufer` is not defined above this line [unknown-memory]
    2 | set $bufer int 1
      |     ^~~~~~
  help: did you mean `$buffer`?
p.lp:3:5: error: `$late` is not defined above this line [unknown-memory]
    3 | set $late int 1
      |     ^~~~~
  note: it is defined here
    5 | new late 8
      |     ^~~~
p.lp:4:5: error: `$buffer` is already defined, and a `$` name is defined once [duplicate-memory]
    4 | new buffer 8
      |     ^~~~~~
  note: it is defined here
    1 | new buffer 8
      |     ^~~~~~
)");
}

TEST(Memories, AMistakeInTheDefinitionIsTheOnlyOne) {
  EXPECT_EQ(ids("new m 0\nset $m int 1\nset counter addr $m\njmp handle_request $m:4\n"), "bad-size");
  EXPECT_EQ(ids("dl m nowhere.so\njmp handle_request $m:entry\n"), "cannot-open");
}

TEST(Memories, SymbolsNeedALinkedObject) {
  EXPECT_EQ(text("new m 8\nset $m:here int 1\n"),
            R"(p.lp:2:8: error: `$m` has no symbols: it was not made by `dl` or `dlopen` [no-memory-symbols]
    2 | set $m:here int 1
      |        ^~~~
)");
}

TEST(Memories, Load) {
  std::string program = assembled(kServer), file = fileWith("0123456789", "data.bin");
  Checked checked = check("load a " + file + "\nload b " + file + " r\nset $a:6 int 1\nset $b:8 u16 1\n", program);
  EXPECT_EQ(checked.text, "");
  ASSERT_TRUE(checked.good);
  EXPECT_EQ(checked.patch.payloads,
            (std::vector<ir::Payload>{{file, {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}}}));
  EXPECT_EQ(
      checked.patch.memories[1],
      (ir::Memory{"b", 10, ir::Permission::R, ir::PayloadId{0}, {2, 1, 2, static_cast<uint32_t>(file.size() + 10)}}));
  EXPECT_EQ(ids("load a " + file + "\nset $a:7 int 1\n"), "past-memory-end");
}

TEST(Memories, FilesThatCannotBeLoaded) {
  std::string empty = fileWith("", "empty");
  EXPECT_EQ(text("load a nowhere\nload b /\nload c /dev/null\nload d nowhere\n"),
            R"(p.lp:1:8: error: cannot open `nowhere`: No such file or directory [cannot-open]
    1 | load a nowhere
      |        ^~~~~~~
p.lp:2:8: error: `/` is a folder [cannot-open]
    2 | load b /
      |        ^
p.lp:3:8: error: `/dev/null` is not a regular file [cannot-open]
    3 | load c /dev/null
      |        ^~~~~~~~~
p.lp:4:8: error: cannot open `nowhere`: No such file or directory [cannot-open]
    4 | load d nowhere
      |        ^~~~~~~
)");
  EXPECT_EQ(ids("load a " + empty + "\n"), "bad-size");
}

} // namespace
} // namespace lpc::test
