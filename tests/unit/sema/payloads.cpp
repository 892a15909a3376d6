// `dl`: files that can be linked, their symbols, and what they leave undefined.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace lpc::test {
namespace {

// A program with a local and a global function, and a variable.
std::string program() {
  return build(
      {.sources = {{"util.c", "static int helper(int i) { return i + 1; } int util(int i) { return helper(i); }\n"},
                   {"net.c",
                    "static int helper(int i) { return i + 2; } static int net_only(int i) { return i; } int net(int "
                    "i) { return helper(i) + net_only(i); } int counter = 1; _Thread_local int per_thread = 2;\n"},
                   {"main.c", "int util(int); int net(int); extern _Thread_local int per_thread; void _start(void) { "
                              "util(net(per_thread)); for (;;); }\n"}},
       .flags = {"-static", "-no-pie", "-O0"}});
}
std::string payload(const std::string &c, const std::string &name = "patch.so") { return shared(c, name); }

// What check says of `dl fix FILE REST` and what follows it.
std::string link(const std::string &file, const std::string &rest, const std::string &more = "") {
  std::filesystem::path path = file;
  return check("dl fix " + path.filename().string() + rest + "\n" + more, program(), {}, path.parent_path()).text;
}

TEST(Payloads, SymbolsOfAPayload) {
  std::string file = payload(
      "int entry(int i) { return i; } int message = 5; static int inner = 6; int *p(void) { return &inner; }\n");
  Checked checked = check(
      "dl fix " + file + "\njmp util $fix:entry\nset $fix:message int 7\nset counter addr $fix:message\n", program());
  EXPECT_NE(checked.text.find("[pointer-size]"), std::string::npos);
  checked = check("dl fix " + file + "\njmp util $fix:entry\nset $fix:message int 7\n", program());
  EXPECT_EQ(checked.text, "");
  ASSERT_TRUE(checked.good);
  EXPECT_EQ(action<ir::Branch>(checked, 1).to.where,
            (decltype(ir::Address::where){ir::InPayload{ir::MemoryId{0}, "entry", 0}}));
  EXPECT_EQ(action<ir::Write>(checked, 2).at.where,
            (decltype(ir::Address::where){ir::InPayload{ir::MemoryId{0}, "message", 0}}));
  EXPECT_FALSE(action<ir::Write>(checked, 2).recorded);
  EXPECT_EQ(checked.patch.memories[0].size % 4096, 0U);
  EXPECT_EQ(checked.patch.payloads.size(), 1U);
  EXPECT_EQ(
      link(file, "",
           "jmp util $fix:entyr\njmp net $fix:message\nset $fix:message u64 1\njmp net $fix\nset $fix:999999 int 1\n"),
      R"(p.lp:2:15: error: `patch.so` has no symbol `entyr` [unknown-symbol]
    2 | jmp util $fix:entyr
      |               ^~~~~
  help: did you mean `entry`?
p.lp:3:9: error: `$fix:message` is in `.data` of `patch.so`: a jump leads to code [not-code]
    3 | jmp net $fix:message
      |         ^~~~~~~~~~~~
p.lp:4:18: error: `u64` takes 8 bytes, and `message` has 4 [past-object-end]
    4 | set $fix:message u64 1
      |                  ^~~
  note: `message` stands at 0x4004 in `patch.so`, 4 bytes
p.lp:5:9: error: `$fix` is in `patch.so`, where no code is: a jump leads to code [not-code]
    5 | jmp net $fix
      |         ^~~~
p.lp:6:5: error: `$fix:999999` lies outside of `$fix`, which has 20480 bytes [past-memory-end]
    6 | set $fix:999999 int 1
      |     ^~~~~~~~~~~
)");
}

TEST(Payloads, AFileIsCarriedOnce) {
  std::string file = payload("int entry(int i) { return i; }\n");
  Checked checked = check("dl one " + file + "\ndl two " + file + "\n", program());
  EXPECT_EQ(checked.text, "");
  EXPECT_EQ(checked.patch.payloads.size(), 1U);
  EXPECT_EQ(checked.patch.memories.size(), 2U);
}

TEST(Payloads, WhatTheProgramDefinesIsBound) {
  std::string file =
      payload("int util(int), net_only(int); extern int counter; __attribute__((weak)) int nobody(void); int entry(int "
              "i) { return util(i) + net_only(i) + counter + (nobody ? 1 : 0); }\n");
  Checked checked = check("dl fix " + file + "\n", program());
  EXPECT_EQ(checked.text, "");
  ASSERT_TRUE(checked.good);
  std::vector<std::string> bound;
  for (const ir::Binding &binding : action<ir::Link>(checked, 0).with) {
    bound.push_back(binding.symbol);
    EXPECT_EQ(std::get<ir::InObject>(binding.address.where).symbol, binding.symbol);
  }
  std::ranges::sort(bound);
  EXPECT_EQ(bound, (std::vector<std::string>{"counter", "net_only", "util"}));
}

TEST(Payloads, Undefined) {
  std::string file = payload("int missing_one(void), missing_two(void), util(int); int entry(void) { return "
                             "missing_one() + missing_two() + util(1); }\n");
  EXPECT_EQ(
      link(file, ""),
      R"(p.lp:1:8: error: `patch.so` needs 2 symbols that neither the patch nor `./server` defines [undefined-payload-symbol]
    1 | dl fix patch.so
      |        ^~~~~~~~
  note: nobody defines:
        missing_one
        missing_two
  help: bind them to an address: `dl fix patch.so with missing_one = ADDR`
)");
  EXPECT_EQ(
      link(file, " with missing_one = util"),
      R"(p.lp:1:8: error: `patch.so` needs `missing_two`, which neither the patch nor `./server` defines [undefined-payload-symbol]
    1 | dl fix patch.so with missing_one = util
      |        ^~~~~~~~
  help: bind it to an address: `dl fix patch.so with missing_two = ADDR`
)");
  EXPECT_EQ(link(file, " with missing_one = util, missing_two = net"), "");
}

// What the compiler would link into a shared object, and leaves undefined in a relocatable one.
TEST(Payloads, UndefinedOfStaticLibraries) {
  const std::string helper =
      "` is in a library that is linked into shared objects: make one of it, `gcc -shared -fPIC`";
  for (const char *name : {"__udivti3", "__muldc3", "__cpu_model", "__extendhftf2", "__truncdfhf2", "atexit"})
    EXPECT_NE(link(payload(std::string("int ") + name + "(void); int entry(void) { return " + name + "(); }\n"), "")
                  .find(helper),
              std::string::npos)
        << name;
  EXPECT_NE(link(payload("extern __thread int mine; int entry(void) { return mine; }\n"), "")
                .find("a static program has no `__tls_get_addr`: compile the payload with -ftls-model=initial-exec"),
            std::string::npos);
  for (const char *name : {"__morestack_x", "__si", "udivti3", "__asan_init", "__Udivti3"})
    EXPECT_EQ(link(payload(std::string("int ") + name + "(void); int entry(void) { return " + name + "(); }\n"), "")
                  .find(helper),
              std::string::npos)
        << name;
}

TEST(Payloads, UndefinedOfALibraryThatIsNotThere) {
  std::string library = shared("int from_library(void) { return 1; }\n", "libone.so.1", {"-Wl,-soname,libone.so.1"});
  std::string file = shared("int from_library(void); int entry(void) { return from_library(); }\n", "patch.so",
                            {"-Wl,--no-as-needed", library});
  EXPECT_NE(
      link(file, "").find("  note: it was linked with libraries that `./server` does not load:\n        libone.so.1\n"),
      std::string::npos)
      << link(file, "");
}

TEST(Payloads, LibrariesAndOtherPayloadsDefineToo) {
  std::string file =
      payload("int from_library(void), from_other(void); int entry(void) { return from_library() + from_other(); }\n");
  std::string library = shared("int from_library(void) { return 1; }\n", "libone.so.1");
  std::string other = payload("int from_other(void) { return 1; }\n", "other.so");
  EXPECT_EQ(check("dl fix " + file + "\ndl other " + other + "\n", program(), {library}).text, "");
  EXPECT_EQ(ids("dl fix " + file + "\ndl other " + other + "\n", program()), "undefined-payload-symbol");
}

TEST(Payloads, AnAmbiguousLocal) {
  std::string file = payload("int helper(int); int entry(int i) { return helper(i); }\n");
  std::string text = link(file, "");
  EXPECT_NE(text.find("[ambiguous-symbol]"), std::string::npos) << text;
  EXPECT_NE(text.find("help: say which: `with helper = util.c:helper`"), std::string::npos) << text;
  EXPECT_EQ(link(file, " with helper = net.c:helper"), "");
}

TEST(Payloads, With) {
  std::string file = payload("int util(int); int entry(int i) { return util(i); }\n");
  EXPECT_EQ(
      link(file, " with utli = net, util = net, util = net, entry = net"),
      R"(p.lp:1:22: error: `patch.so` does not refer to `utli`: `with` binds what a payload leaves undefined [unused-binding]
    1 | dl fix patch.so with utli = net, util = net, util = net, entry = net
      |                      ^~~~
  help: did you mean `util`?
p.lp:1:46: error: `util` is bound twice [duplicate-binding]
    1 | dl fix patch.so with utli = net, util = net, util = net, entry = net
      |                                              ^~~~
  note: the first time is here
    1 | dl fix patch.so with utli = net, util = net, util = net, entry = net
      |                                  ^~~~
p.lp:1:58: error: `patch.so` defines `entry` itself: `with` binds what a payload leaves undefined [unused-binding]
    1 | dl fix patch.so with utli = net, util = net, util = net, entry = net
      |                                                          ^~~~~
)");
}

TEST(Payloads, ThreadLocal) {
  EXPECT_EQ(
      link(payload("_Thread_local int mine = 1; int *entry(void) { return &mine; }\n"), ""),
      R"(p.lp:1:8: error: `patch.so` defines thread-local variables, which only the process's own dynamic linker can make [payload-thread-local]
    1 | dl fix patch.so
      |        ^~~~~~~~
  help: have that load it: `dlopen fix patch.so`
)");
  auto object = [](const std::string &source) {
    return build({.sources = {{"patch.c", source}}, .flags = {"-c", "-ftls-model=initial-exec"}, .name = "patch.o"});
  };
  EXPECT_EQ(link(object("extern _Thread_local int per_thread; int *entry(void) { return &per_thread; }\n"), ""), "");
  EXPECT_EQ(
      link(object("extern _Thread_local int counter; int *entry(void) { return &counter; }\n"), ""),
      R"(p.lp:1:8: error: `patch.o` needs `counter` as a thread-local variable, and in `./server` it is a common one [thread-local-symbol]
    1 | dl fix patch.o
      |        ^~~~~~~
)");
  EXPECT_EQ(
      link(object("extern _Thread_local int per_thread; int *entry(void) { return &per_thread; }\n"),
           " with per_thread = counter"),
      R"(p.lp:1:21: error: `per_thread` is a thread-local variable to `patch.o`: no single address can be bound to it [thread-local-symbol]
    1 | dl fix patch.o with per_thread = counter
      |                     ^~~~~~~~~~
)");
  EXPECT_EQ(
      link(payload("extern int per_thread; int *entry(void) { return &per_thread; }\n"), ""),
      R"(p.lp:1:8: error: `patch.so` needs `per_thread` as a common variable, and in `./server` it is a thread-local one [thread-local-symbol]
    1 | dl fix patch.so
      |        ^~~~~~~~
)");
}

// The address of the symbol is that of its resolver, which only a payload's own references know how to ask.
TEST(Payloads, IndirectFunctions) {
  std::string indirect = payload("static int one(void) { return 1; }\nstatic int (*pick(void))(void) { return one; }\n"
                                 "int chosen(void) __attribute__((ifunc(\"pick\")));\n");
  for (const char *use : {"on pre-apply call $fix:chosen\n", "asm new code {\n  call $fix:chosen\n}\n"}) {
    std::string said = link(indirect, "", use);
    EXPECT_NE(said.find("`$fix:chosen` is the resolver of an IFUNC, and not the function [ifunc-symbol]"),
              std::string::npos)
        << use << said;
  }
}

TEST(Payloads, FilesOfAnotherKind) {
  EXPECT_EQ(link(fileWith("not an ELF file\n", "patch.so"), ""),
            R"(p.lp:1:8: error: `patch.so` is not an ELF file [not-elf]
    1 | dl fix patch.so
      |        ^~~~~~~~
)");
  EXPECT_EQ(
      link(build({.sources = {{"patch.c", "int entry(void) { return 1; }\n"}}, .flags = {"-c"}, .name = "patch.o"}), "",
           "jmp util $fix:entry\n"),
      "");
  EXPECT_EQ(link(program(), ""),
            R"(p.lp:1:8: error: `server` is neither a shared nor a relocatable object [unsupported-payload]
    1 | dl fix server
      |        ^~~~~~
  help: compile it with `cc -c -fPIC` or `cc -shared -fPIC`
)");
  // An ELF header for aarch64 (e_machine 183), which is enough to tell.
  std::string header("\x7f"
                     "ELF\2\1\1",
                     7);
  header.resize(64);
  header[16] = 3, header[18] = static_cast<char>(183), header[20] = 1, header[52] = 64, header[54] = 56,
  header[58] = 64;
  EXPECT_EQ(link(fileWith(header, "arm.so"), ""),
            R"(p.lp:1:8: error: `arm.so` is for aarch64, and the program is for x86_64 [wrong-machine]
    1 | dl fix arm.so
      |        ^~~~~~
  help: compile it for the program's machine
)");
}

} // namespace
} // namespace lpc::test
