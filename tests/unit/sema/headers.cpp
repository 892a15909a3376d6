// `patch`, `target`, `object`.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

#include "frontend/parse/parse.h"
#include "frontend/sema/sema.h"

namespace lpc::test {
namespace {

std::string text(const std::string &patch) { return lpc::test::check(patch, assembled(kServer)).text; }

TEST(Headers, NameAndVersion) {
  Checked checked = check("patch hotfix version \"1.2\"\nset counter int 1\n", assembled(kServer));
  EXPECT_EQ(checked.text, "");
  EXPECT_EQ(checked.patch.name, "hotfix");
  EXPECT_EQ(checked.patch.version, "1.2");
  EXPECT_EQ(check("set counter int 1\n", assembled(kServer)).patch.name, "p");
  EXPECT_EQ(
      text("patch x version \"a\\nb\"\n"),
      R"(p.lp:1:17: error: a patch's version has 1 to 255 bytes and no control characters: it is one field of a line in `lpc status` [bad-name]
    1 | patch x version "a\nb"
      |                 ^~~~~~
)");
}

TEST(Headers, BuildId) {
  EXPECT_EQ(text("target server build-id 0102030405060708090a0b0c0d0e0f1011121314\nset counter int 1\n"), "");
  EXPECT_EQ(text("target server build-id 01020304\nset counter int 1\nset nothing int 1\n"),
            R"(p.lp:1:8: error: `./server` is another build than the one that the patch is for [build-id-mismatch]
    1 | target server build-id 01020304
      |        ^~~~~~
  patch  build-id 01020304
  file   build-id 0102030405060708090a0b0c0d0e0f1011121314
  help: give the file of that build, or check the patch against this one and state its build-id
p.lp:3:5: error: `./server` has no symbol `nothing` [unknown-symbol]
    3 | set nothing int 1
      |     ^~~~~~~
)");
}

TEST(Headers, Objects) {
  std::string one = shared("int value = 1;\n", "libone.so.1", {"-Wl,-soname,libone.so.1,--build-id=0x1111"});
  EXPECT_EQ(text("object one = " + one + " build-id 1111\nset one!value int 1\nset value int 2\n")
                    .find("overlapping-changes") != std::string::npos,
            true);
  EXPECT_EQ(text("object one = " + one + "\nset one!value int 1\n"), "");
  EXPECT_EQ(ids("object one = " + one + " build-id 2222\nset one!value int 1\n", assembled(kServer)),
            "build-id-mismatch");
  EXPECT_EQ(text("object one = nowhere.so\nset one!value int 1\nset one!0x10 int 1\n"),
            R"(p.lp:1:14: error: cannot open `nowhere.so`: No such file or directory [cannot-open]
    1 | object one = nowhere.so
      |              ^~~~~~~~~~
)");
  EXPECT_EQ(
      ids("object one = " + one + "\nobject one = " + one + "\nobject target = " + one + "\n", assembled(kServer)),
      "duplicate-object duplicate-object");
}

TEST(Headers, AreKnownBeforeAnythingIsOpened) {
  Diagnostics diagnostics;
  sema::Headers headers = sema::headers(
      parse(SourceText("p.lp", "patch hotfix\ntarget ./server build-id 0102\nobject one = libone.so.1\nset a int 1\n"),
            diagnostics));
  ASSERT_TRUE(headers.patch && headers.target);
  EXPECT_EQ(headers.patch->name.text, "hotfix");
  EXPECT_EQ(headers.target->file.text, "./server");
  EXPECT_EQ(headers.target->buildId, (Bytes{1, 2}));
  ASSERT_EQ(headers.objects.size(), 1U);
  EXPECT_EQ(headers.objects[0].name.text, "one");
}

} // namespace
} // namespace lpc::test
