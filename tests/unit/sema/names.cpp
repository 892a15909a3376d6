// Names: symbols, objects, source files, versions, C++.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

namespace lpc::test {
namespace {

// Two files with static functions and variables of one name, a global and a weak one, a thread-local one.
std::string program() {
  return build(
      {.sources = {{"util.c",
                    "static int level = 1; static int only_here = 3; int *util(void) { return &level + only_here; }\n"
                    "__attribute__((weak)) int shared_name(void) { return 1; }\n"},
                   {"net.c", "static int level[3] = {2}; int *net(void) { return level; } static int half = 5; int "
                             "half_user(void) { return half; }\n"
                             "_Thread_local int per_thread = 4; int *per(void) { return &per_thread; }\n"},
                   {"main.c", "extern int *util(void), *net(void); int half[4] = {7}; void _start(void) { *util() = "
                              "*net() + half[1]; for (;;); }\n"}},
       .flags = {"-static", "-no-pie", "-O0"}});
}
std::string text(const std::string &patch) { return lpc::test::check(patch, program()).text; }
std::string ids(const std::string &patch) { return lpc::test::ids(patch, program()); }

// The messages of this program have addresses that the compiler chose: X for each.
std::string masked(std::string text) {
  for (size_t at = text.find("0x"); at != std::string::npos; at = text.find("0x", at + 1)) {
    size_t end = text.find_first_not_of("0123456789abcdef", at + 2);
    text.replace(at, end - at, "X");
  }
  return text;
}

TEST(Names, Unknown) {
  EXPECT_EQ(text("set only_her int 1\nset util.c:only_here int 1\nset qqqqqqqqqqqqqqq int 1\n"),
            R"(p.lp:1:5: error: `./server` has no symbol `only_her` [unknown-symbol]
    1 | set only_her int 1
      |     ^~~~~~~~
  help: did you mean `only_here`?
p.lp:3:5: error: `./server` has no symbol `qqqqqqqqqqqqqqq` [unknown-symbol]
    3 | set qqqqqqqqqqqqqqq int 1
      |     ^~~~~~~~~~~~~~~
)");
}

TEST(Names, Ambiguous) {
  EXPECT_EQ(masked(text("set level int 1\n")),
            R"(p.lp:1:5: error: `./server` has 2 symbols that `level` can mean [ambiguous-symbol]
    1 | set level int 1
      |     ^~~~~
  note: candidates:
        X  4 bytes   util.c  level
        X  12 bytes  net.c   level
  help: say which: `util.c:level`
)");
  EXPECT_EQ(text("set util.c:level int 1\nset net.c:level+8 int 2\n"), "");
  EXPECT_EQ(ids("set util.c:level u64 1\n"), "past-object-end"); // it is the one of four bytes
}

TEST(Names, AStaticAndAGlobalOne) {
  EXPECT_EQ(masked(text("set half u32 1\n")),
            R"(p.lp:1:5: error: `./server` has 2 symbols that `half` can mean [ambiguous-symbol]
    1 | set half u32 1
      |     ^~~~
  note: candidates:
        X  4 bytes   net.c     half
        X  16 bytes  (global)  half
  help: say which: `net.c:half`
)");
  EXPECT_EQ(text("set net.c:half int 1\n"), "");
}

TEST(Names, OfAnotherFile) {
  EXPECT_EQ(masked(text("set net.c:only_here int 1\n")),
            R"(p.lp:1:5: error: `./server` has no symbol `net.c:only_here` [unknown-symbol]
    1 | set net.c:only_here int 1
      |     ^~~~~~~~~~~~~~~
  note: what has this name:
        X  4 bytes  util.c  only_here
)");
}

TEST(Names, ThreadLocal) {
  EXPECT_EQ(
      text("set per_thread int 1\n"),
      R"(p.lp:1:5: error: `per_thread` is a thread-local variable: it has an address of its own in every thread [thread-local-symbol]
    1 | set per_thread int 1
      |     ^~~~~~~~~~
  help: change it with code that runs in the thread: a function of a `dl` object
)");
}

TEST(Names, Objects) {
  EXPECT_EQ(text("set target!util.c:level int 1\n"), "");
  EXPECT_EQ(text("set traget!level int 1\nset nosuch.so.1!level int 1\nset nosuch.so.1!0x10 int 1\n"),
            R"(p.lp:1:5: error: `traget` is neither an object of this patch nor a library of `./server` [unknown-object]
    1 | set traget!level int 1
      |     ^~~~~~
  help: did you mean `target`?
p.lp:2:5: error: `nosuch.so.1` is neither an object of this patch nor a library of `./server` [unknown-object]
    2 | set nosuch.so.1!level int 1
      |     ^~~~~~~~~~~
  help: say which file it is: `object NAME = FILE`
p.lp:3:5: error: `nosuch.so.1` is neither an object of this patch nor a library of `./server` [unknown-object]
    3 | set nosuch.so.1!0x10 int 1
      |     ^~~~~~~~~~~
  help: say which file it is: `object NAME = FILE`
)");
}

TEST(Names, QuotedLikeAKeyword) {
  std::string program = assembled(".data\n.globl \"int\", \"set\"\n.type \"int\",@object\n\"int\": .long 1\n.size "
                                  "\"int\",4\n.type \"set\",@object\n\"set\": .long 1\n.size \"set\",4\n");
  EXPECT_EQ(check("set set int 1\nset \"int\" int 1\n", program).text, "");
}

TEST(Names, CPlusPlus) {
  std::string program =
      build({.sources = {{"http.cpp", "namespace http { struct Server { int accept(int) ; int accept(long); int "
                                      "close(); }; int Server::accept(int i) { return i; }\n"
                                      "int Server::accept(long) { return 2; } int Server::close() { return 3; } } "
                                      "extern \"C\" void _start() { for (;;); }\n"}},
             .flags = {"-static", "-no-pie", "-O0"}});
  EXPECT_EQ(
      check("jmp \"http::Server::accept(int)\" \"http::Server::close\"\njmp _ZN4http6Server6acceptEl _start\n", program)
          .text,
      "");
  EXPECT_EQ(masked(check("jmp \"http::Server::accept\" _start\n", program).text),
            R"#(p.lp:1:5: error: `./server` has 2 symbols that `"http::Server::accept"` can mean [ambiguous-symbol]
    1 | jmp "http::Server::accept" _start
      |     ^~~~~~~~~~~~~~~~~~~~~~
  note: candidates:
        X  16 bytes  (global)  http::Server::accept(int)
        X  19 bytes  (global)  http::Server::accept(long)
  help: say which: `"http::Server::accept(int)"`
)#");
  const Checked checked = check("jmp \"http::Server::close\" _start\n", program);
  ASSERT_TRUE(checked.good);
  EXPECT_EQ(std::get<ir::InObject>(action<ir::Branch>(checked, 0).from.where).symbol, "_ZN4http6Server5closeEv");
}

TEST(Names, AbsoluteSymbolsAreNotMoved) {
  Checked checked = check("set magic int 1\n", assembled(".globl magic\n.set magic, 0x12345678\n"));
  EXPECT_EQ(checked.text, "");
  ASSERT_TRUE(checked.good);
  EXPECT_EQ(action<ir::Write>(checked, 0).at.where,
            (decltype(ir::Address::where){ir::Absolute{RemoteAddress{0x12345678}}}));
}

// --- libraries ------------------------------------------------------------------------------------------------

std::string libraryOne() {
  return shared("int only_one = 1; int both = 2; static int hidden = 3; int *h(void) { return &hidden; }\n",
                "libone.so.1", {"-Wl,-soname,libone.so.1", "-O0"});
}
std::string libraryTwo() {
  return shared("int only_two = 1; int both = 2; int hidden = 4;\n", "libtwo.so.1", {"-Wl,-soname,libtwo.so.1"});
}

TEST(Libraries, ANameThatTheProgramLacks) {
  Checked checked = check("set only_two int 1\nset hidden int 2\nset libone.so.1!hidden int 3\n", program(),
                          {libraryOne(), libraryTwo()});
  EXPECT_EQ(checked.text, "");
  ASSERT_TRUE(checked.good);
  // Objects are listed in the order of first use; `hidden` is the exported one.
  ASSERT_EQ(checked.patch.objects.size(), 3U);
  EXPECT_EQ(checked.patch.objects[0].name, "target");
  EXPECT_EQ(checked.patch.objects[1].name, "libtwo.so.1");
  EXPECT_EQ(checked.patch.objects[1].soname, "libtwo.so.1");
  EXPECT_EQ(checked.patch.objects[1].buildId.size(), 20U);
  EXPECT_EQ(std::get<ir::InObject>(action<ir::Write>(checked, 1).at.where).object, ir::ObjectId{1});
  EXPECT_EQ(std::get<ir::InObject>(action<ir::Write>(checked, 2).at.where).object, ir::ObjectId{2});
}

TEST(Libraries, ObjectsThatAreNotReferredToAreLeftOut) {
  EXPECT_EQ(check("set only_here int 1\n", program(), {libraryOne(), libraryTwo()}).patch.objects.size(), 1U);
}

TEST(Libraries, SeveralHaveIt) {
  EXPECT_EQ(masked(check("set both int 1\n", program(), {libraryOne(), libraryTwo()}).text),
            R"(p.lp:1:5: error: `both` is not a symbol of `./server`, and 2 of its libraries have one [ambiguous-symbol]
    1 | set both int 1
      |     ^~~~
  note: candidates:
        libone.so.1  X  4 bytes  (global)  both
        libtwo.so.1  X  4 bytes  (global)  both
  help: say which: `libone.so.1!both`
)");
  EXPECT_EQ(check("set libtwo.so.1!both int 1\n", program(), {libraryOne(), libraryTwo()}).text, "");
}

TEST(Libraries, NobodyHasIt) {
  EXPECT_EQ(check("set bot int 1\nset libone.so.1!bohth int 1\n", program(), {libraryOne(), libraryTwo()}).text,
            R"(p.lp:1:5: error: `./server` and its libraries have no symbol `bot` [unknown-symbol]
    1 | set bot int 1
      |     ^~~
  help: did you mean `both`?
p.lp:2:17: error: `libone.so.1` has no symbol `bohth` [unknown-symbol]
    2 | set libone.so.1!bohth int 1
      |                 ^~~~~
  help: did you mean `both`?
)");
}

TEST(Libraries, Versions) {
  std::string versions = fileWith("V_1 { global: f; g; local: *; }; V_2 { global: f; } V_1;\n", "v.map");
  std::string library =
      build({.sources = {{"v.c", "__asm__(\".symver f1,f@V_1\\n.symver f2,f@@V_2\"); int f1(void) { return 1; } int "
                                 "f2(void) { return 2; } int g(void) { return 3; } int f3(void) { return 4; } "
                                 "__asm__(\".symver f3,old@V_1\");\n"}},
             .flags = {"-shared", "-fPIC", "-O0", "-Wl,-soname,libv.so.1", "-Wl,--version-script=" + versions},
             .name = "libv.so.1"});
  auto address = [&](const std::string &name) {
    Checked checked = check("jmp " + name + " g\n", program(), {library});
    EXPECT_EQ(checked.text, "");
    return checked.good ? std::get<ir::InObject>(action<ir::Branch>(checked, 0).from.where).address : LinkAddress{};
  };
  EXPECT_EQ(address("f"), address("f@V_2"));
  EXPECT_EQ(address("f"), address("f@@V_2"));
  EXPECT_NE(address("f"), address("f@V_1"));
  EXPECT_EQ(check("jmp libv.so.1!old@V_1 g\n", program(), {library}).text, "");
  EXPECT_EQ(check("jmp libv.so.1!old g\n", program(), {library}).text, R"(p.lp:1:15: error: `libv.so.1` has no symbol `old` [unknown-symbol]
    1 | jmp libv.so.1!old g
      |               ^~~
  help: did you mean `old@V_1`?
)");
  EXPECT_EQ(masked(check("jmp libv.so.1!f@V_3 g\n", program(), {library}).text),
            R"(p.lp:1:15: error: `libv.so.1` has no symbol `f@V_3` [unknown-symbol]
    1 | jmp libv.so.1!f@V_3 g
      |               ^~~~~
  note: what has this name:
        X  11 bytes  (global)  f@@V_2
)");
}

} // namespace
} // namespace lpc::test
