// Parsing /proc/PID/maps: the kernel's lines, and whatever else a path may bring with it.
#include "runtime/maps.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace lpc::runtime {
namespace {

TEST(Maps, AnOrdinaryProgram) {
  auto maps =
      parseMaps("00400000-00401000 r--p 00000000 fe:01 131                                /usr/bin/server\n"
                "00401000-00402000 r-xp 00001000 fe:01 131                                /usr/bin/server\n"
                "0042d000-0044e000 rw-p 00000000 00:00 0                                  [heap]\n"
                "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
                "7f0000100000-7f0000101000 rw-s 00002000 00:01 77                         /memfd:livepatch (deleted)\n"
                "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n");
  ASSERT_EQ(maps.size(), 6U);
  EXPECT_EQ(maps[0], (Mapping{.range = {{0x400000}, {0x401000}},
                              .readable = true,
                              .offset = 0,
                              .device = makedev(0xfe, 1),
                              .inode = 131,
                              .path = "/usr/bin/server"}));
  EXPECT_TRUE(maps[1].executable);
  EXPECT_EQ(maps[1].offset, 0x1000U);
  EXPECT_EQ(maps[2].path, "[heap]");
  EXPECT_EQ(maps[3].path, "");
  EXPECT_TRUE(maps[4].shared);
  EXPECT_EQ(maps[4].path, "/memfd:livepatch (deleted)");
  EXPECT_EQ(maps[5].range.begin.value, 0xffffffffff600000U);
  EXPECT_FALSE(maps[5].readable);
}

TEST(Maps, PathsOfAnyContent) {
  auto maps = parseMaps("1000-2000 r-xp 00000000 fe:01 5      /a b  c\\012d \n"
                        "2000-3000 r-xp 00000000 fe:01 6      /\xff\x1b[31m 1000-2000 r-xp\n");
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_EQ(maps[0].path, "/a b  c\\012d ");
  EXPECT_EQ(maps[1].path, "/\xff\x1b[31m 1000-2000 r-xp");
}

TEST(Maps, WhatIsNoLineIsLeftOut) {
  EXPECT_TRUE(parseMaps("").empty());
  EXPECT_TRUE(parseMaps("\n\n").empty());
  for (const char *bad :
       {"1000", "1000-", "1000-2000", "1000-2000 rwx", "1000-2000 rwxq 0 0:0 0 ", "2000-1000 r-xp 0 0:0 0 \n",
        "1000-1000 r-xp 0 0:0 0 ", "g000-2000 r-xp 0 0:0 0 ", "10000000000000000-20000000000000000 r-xp 0 0:0 0 ",
        "1000-2000 r-xp 0 0:0 99999999999999999999 "})
    EXPECT_TRUE(parseMaps(bad).empty()) << bad;
  EXPECT_EQ(parseMaps("1000-2000 r-xp 0 0:0 0 ").size(), 1U); // the nearest that is one, without its newline
}

TEST(Maps, AMappingThatGrewBetweenTwoPagesOfTheTextComesOnce) {
  auto maps = parseMaps("1000-3000 r-xp 0 0:0 0 \n1000-4000 r-xp 0 0:0 0 \n4000-5000 r-xp 0 0:0 0 \n");
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_EQ(maps[0].range.end.value, 0x3000U);
  EXPECT_EQ(maps[1].range.begin.value, 0x4000U);
}

TEST(Maps, MappingAt) {
  auto maps = parseMaps("1000-2000 r-xp 0 0:0 0 \n3000-4000 r-xp 0 0:0 0 \n");
  EXPECT_EQ(mappingAt(maps, {0xfff}), nullptr);
  EXPECT_EQ(mappingAt(maps, {0x1000}), maps.data());
  EXPECT_EQ(mappingAt(maps, {0x1fff}), maps.data());
  EXPECT_EQ(mappingAt(maps, {0x2000}), nullptr);
  EXPECT_EQ(mappingAt(maps, {0x3fff}), &maps[1]);
  EXPECT_EQ(mappingAt(maps, {0x4000}), nullptr);
  EXPECT_EQ(mappingAt({}, {0}), nullptr);
}

TEST(Maps, ManyMappings) {
  std::string text;
  for (uint64_t i = 0; i < 8231; i++)
    text += hexAddress(0x7f0000000000 + i * 0x2000).substr(2) + "-" +
            hexAddress(0x7f0000001000 + i * 0x2000).substr(2) +
            " rw-p 00000000 fe:01 4711                       /var/lib/some/where/a file of the process\n";
  auto maps = parseMaps(text);
  EXPECT_EQ(maps.size(), 8231U);
  EXPECT_EQ(maps.back().range.begin, RemoteAddress{0x7f0000000000 + 8230 * 0x2000});
}

} // namespace
} // namespace lpc::runtime
