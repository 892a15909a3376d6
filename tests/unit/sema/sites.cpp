// Where a jump may be written, and where it may lead.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

#include "ir/support/bytes.h"

namespace lpc::test {
namespace {

std::string ids(const std::string &patch) { return lpc::test::ids(patch, assembled(kServer)); }
std::string text(const std::string &patch) { return lpc::test::check(patch, assembled(kServer)).text; }

// What `jmp FROM neighbour` becomes.
ir::Branch branch(const std::string &from) {
  Checked checked = check("jmp " + from + " handle_request+4\n", assembled(kServer));
  EXPECT_EQ(checked.text, "");
  return checked.good ? action<ir::Branch>(checked, 0) : ir::Branch{};
}

ir::Address inProgram(uint64_t address, std::string symbol, int64_t addend = 0) {
  return {ir::InObject{ir::ObjectId{}, LinkAddress{address}, std::move(symbol), addend}};
}

TEST(Sites, WholeInstructionsAreRecorded) {
  ir::Branch b = branch("looping+6");
  EXPECT_EQ(b.from, inProgram(0x401056, "looping", 6));
  EXPECT_FALSE(b.function); // the rest of it goes on as before
  EXPECT_EQ(b.to, inProgram(0x401004, "handle_request", 4));
}

TEST(Sites, AtTheStartOfAFunction) {
  Checked checked = check("jmp handle_request neighbour\n", assembled(kServer));
  EXPECT_EQ(checked.text, "");
  const auto &b = action<ir::Branch>(checked, 0);
  EXPECT_EQ(b.from, inProgram(0x401000, "handle_request"));
  EXPECT_EQ(b.to, inProgram(0x401043, "neighbour"));
  EXPECT_EQ(b.room, 8U); // push rbp; mov rbp, rsp; sub rsp, 16
  EXPECT_EQ(toHex(*b.recorded), "554889e54883ec10");
  EXPECT_EQ(b.function, (ir::Function{"handle_request", LinkAddress{0x401000}, 15}));
}

TEST(Sites, BehindAnEndbrThatStays) {
  ir::Branch b = branch("tracked");
  EXPECT_EQ(b.from, inProgram(0x401014, "tracked", 4));
  EXPECT_EQ(b.room, 5U);
  EXPECT_EQ(toHex(*b.recorded), "b802000000");
  EXPECT_EQ(b.function, (ir::Function{"tracked", LinkAddress{0x401010}, 10})); // it is still the whole that is replaced
}

TEST(Sites, OverAnEndbrWithoutRoomBehind) {
  ir::Branch b = branch("tracked_short");
  EXPECT_EQ(b.from, inProgram(0x401020, "tracked_short"));
  EXPECT_EQ(b.room, 5U);
  EXPECT_EQ(toHex(*b.recorded), "f30f1efac3");
}

TEST(Sites, PaddingBehindTheFunctionIsRoom) {
  ir::Branch b = branch("padded");
  EXPECT_EQ(b.room, 5U);
  EXPECT_EQ(toHex(*b.recorded), "31c0c3cccc");
}

TEST(Sites, ByNumber) {
  EXPECT_EQ(branch("target!0x401030").from, inProgram(0x401030, ""));
  EXPECT_EQ(branch("0x401030").from, inProgram(0x401030, ""));
}

TEST(Sites, InsideAnInstruction) {
  EXPECT_EQ(text("jmp handle_request+6 neighbour\n"),
            R"(p.lp:1:5: error: `handle_request+6` is not the start of an instruction [not-an-instruction]
    1 | jmp handle_request+6 neighbour
      |     ^~~~~~~~~~~~~~~~ inside `sub rsp, 0x10`
  note: ./server, handle_request
        0x401000 +0   55              push rbp
        0x401001 +1   48 89 e5        mov rbp, rsp
     -> 0x401004 +4   48 83 ec 10     sub rsp, 0x10
        0x401008 +8   b8 01 00 00 00  mov eax, 0x1
        0x40100d +13  c9              leave
  help: use `handle_request+4`
)");
}

TEST(Sites, TooShort) {
  EXPECT_EQ(text("jmp tiny neighbour\n"),
            R"(p.lp:1:5: error: `tiny` has 3 bytes, padding included, and a jump takes 5 [site-too-short]
    1 | jmp tiny neighbour
      |     ^~~~
  note: ./server, tiny
     -> 0x401040 +0  31 c0  xor eax, eax
        0x401042 +2  c3     ret
)");
  EXPECT_EQ(
      text("jmp handle_request+14 neighbour\n"),
      R"(p.lp:1:5: error: `handle_request` has 2 bytes left at `handle_request+14`, padding included, and a jump takes 5 [site-too-short]
    1 | jmp handle_request+14 neighbour
      |     ^~~~~~~~~~~~~~~~~
  note: ./server, handle_request
        0x401001 +1   48 89 e5        mov rbp, rsp
        0x401004 +4   48 83 ec 10     sub rsp, 0x10
        0x401008 +8   b8 01 00 00 00  mov eax, 0x1
        0x40100d +13  c9              leave
     -> 0x40100e +14  c3              ret
)");
}

TEST(Sites, ABranchIntoTheSite) {
  EXPECT_EQ(
      text("jmp looping neighbour\n"),
      R"(p.lp:1:5: error: `looping+6` goes to `looping+2`, which is inside the 6 bytes that the jump would overwrite [branch-into-site]
    1 | jmp looping neighbour
      |     ^~~~~~~
  note: ./server, looping
        0x401050 +0  31 c0  xor eax, eax
        0x401052 +2  ff c0  inc eax
        0x401054 +4  39 f8  cmp eax, edi
     -> 0x401056 +6  7c fa  jl 0x401052
        0x401058 +8  c3     ret
)");
  EXPECT_EQ(text("jmp looping+2 neighbour\n"), ""); // what branches to its first byte reaches the jump, as it should
}

TEST(Sites, ABranchFromTheColdPart) {
  std::string program = assembled(R"(
.text
.globl hot
.type hot,@function
hot: nop
1: mov eax, 1
  ret
.size hot,.-hot
.balign 16, 0xcc
.type hot.cold,@function
hot.cold: mov eax, 2
  jmp 1b
.size hot.cold,.-hot.cold
)");
  EXPECT_EQ(
      check("jmp hot _start\n", program).text,
      R"(p.lp:1:5: error: `hot.cold+5` goes to `hot+1`, which is inside the 6 bytes that the jump would overwrite [branch-into-site]
    1 | jmp hot _start
      |     ^~~
  note: ./server, hot.cold
        0x401010 +0  b8 02 00 00 00  mov eax, 0x2
     -> 0x401015 +5  eb ea           jmp 0x401001
)");
  EXPECT_EQ(check("jmp hot+1 _start\n", program).text, "");
}

TEST(Sites, BytesThatAreNoInstruction) {
  EXPECT_EQ(
      text("jmp with_data neighbour\n"),
      R"(p.lp:1:5: error: the bytes at `with_data+2`, which a jump at `with_data` would overwrite, are no instruction [undecodable-code]
    1 | jmp with_data neighbour
      |     ^~~~~~~~~
  note: ./server, with_data
     -> 0x401060 +0  eb 01           jmp 0x401063
        0x401062 +2  06              (no instruction)
        0x401063 +3  b8 04 00 00 00  mov eax, 0x4
        0x401068 +8  c3              ret
)");
  EXPECT_EQ(ids("jmp with_data+2 neighbour\n"), "undecodable-code");
  EXPECT_EQ(ids("jmp with_data+3 neighbour\n"), "undecodable-code");
}

TEST(Sites, NotCode) {
  EXPECT_EQ(text("jmp counter neighbour\njmp function_pointer neighbour\n"),
            R"(p.lp:1:5: error: `counter` is in `.data` of `./server`: instructions are written over instructions [not-code]
    1 | jmp counter neighbour
      |     ^~~~~~~
p.lp:2:5: error: `function_pointer` is in `.data` of `./server`: instructions are written over instructions [not-code]
    2 | jmp function_pointer neighbour
      |     ^~~~~~~~~~~~~~~~
  help: for the code that it points to write `[function_pointer]`
)");
}

TEST(Sites, OutsideOfTheFunction) { EXPECT_EQ(ids("jmp tiny+3 handle_request\n"), "past-object-end"); }

TEST(Sites, WhatOnlyTheProcessKnows) {
  ir::Branch b = branch("[function_pointer]");
  EXPECT_EQ(b.room, 0U);
  EXPECT_FALSE(b.recorded);
  EXPECT_EQ(branch("0x999000").room, 0U);
}

TEST(Sites, InNewMemory) {
  Checked checked = check("new m 16 rx\njmp $m:11 neighbour\n", assembled(kServer));
  EXPECT_EQ(checked.text, "");
  EXPECT_EQ(action<ir::Branch>(checked, 1).room, 5U);
  EXPECT_EQ(ids("new m 16 rx\njmp $m:12 neighbour\n"), "past-memory-end");
  EXPECT_EQ(ids("new m 16\njmp $m neighbour\n"), "not-code");
}

TEST(Destinations, AreCode) {
  EXPECT_EQ(text("jmp handle_request table\njmp neighbour function_pointer\njmp padded [function_pointer]\n"),
            R"(p.lp:1:20: error: `table` is in `.data` of `./server`: a jump leads to code [not-code]
    1 | jmp handle_request table
      |                    ^~~~~
p.lp:2:15: error: `function_pointer` is in `.data` of `./server`: a jump leads to code [not-code]
    2 | jmp neighbour function_pointer
      |               ^~~~~~~~~~~~~~~~
  help: for the code that it points to write `[function_pointer]`
)");
}

TEST(Destinations, AreTheStartOfAnInstruction) {
  EXPECT_EQ(text("jmp handle_request neighbour+5\n"), "");
  EXPECT_EQ(text("jmp handle_request neighbour+2\n"),
            R"(p.lp:1:20: error: `neighbour+2` is not the start of an instruction [not-an-instruction]
    1 | jmp handle_request neighbour+2
      |                    ^~~~~~~~~~~ inside `mov eax, 0x3`
  note: ./server, neighbour
     -> 0x401043 +0  b8 03 00 00 00  mov eax, 0x3
        0x401048 +5  c3              ret
  help: use `neighbour`
)");
}

TEST(Destinations, InMemory) {
  EXPECT_EQ(text("new m 16 rx\njmp handle_request $m\n"), "");
  EXPECT_EQ(text("new m 16 rw\njmp handle_request $m\n"),
            R"(p.lp:2:20: error: `$m` is `rw`: code can't run there [not-code]
    2 | jmp handle_request $m
      |                    ^~
  note: it is defined here
    1 | new m 16 rw
      |     ^
  help: end its definition with `rx`
)");
  EXPECT_EQ(ids("new m 16 rx\njmp handle_request $m:16\n"), "past-memory-end");
}

TEST(Destinations, TheJumpItself) {
  EXPECT_EQ(text("jmp handle_request handle_request\njmp tracked tracked\njmp padded padded+2\n"),
            R"(p.lp:1:20: error: the jump at `handle_request` leads to itself [jump-to-itself]
    1 | jmp handle_request handle_request
      |                    ^~~~~~~~~~~~~~
p.lp:2:13: error: the jump at `tracked` leads to itself [jump-to-itself]
    2 | jmp tracked tracked
      |             ^~~~~~~
p.lp:3:12: error: `padded+2` is inside the 5 bytes that this jump stands in [jump-to-itself]
    3 | jmp padded padded+2
      |            ^~~~~~~~
)");
  EXPECT_EQ(text("jmp handle_request handle_request+8\n"), "");
}

TEST(Destinations, AnotherJump) {
  EXPECT_EQ(text("jmp handle_request neighbour\njmp neighbour tracked\n"), ""); // a chain
  EXPECT_EQ(text("jmp handle_request neighbour\njmp neighbour handle_request+1\n"),
            R"(p.lp:2:15: error: `handle_request+1` is inside the bytes that another statement overwrites [branch-into-site]
    2 | jmp neighbour handle_request+1
      |               ^~~~~~~~~~~~~~~~
  note: 8 bytes are overwritten here
    1 | jmp handle_request neighbour
      |     ^~~~~~~~~~~~~~
)");
}

TEST(Destinations, InACircle) {
  EXPECT_EQ(text("jmp handle_request neighbour\njmp padded handle_request\njmp neighbour tracked\njmp tracked "
                 "handle_request\n"),
            R"(p.lp:1:5: error: control that reaches `handle_request` never leaves these jumps again [jump-to-itself]
    1 | jmp handle_request neighbour
      |     ^~~~~~~~~~~~~~
  note: it goes on here
    3 | jmp neighbour tracked
      |     ^~~~~~~~~
  note: it goes on here
    4 | jmp tracked handle_request
      |     ^~~~~~~
)");
}

TEST(Sites, Ifunc) {
  std::string program = assembled(R"(
.text
.globl work
.type work,%gnu_indirect_function
.set work, pick
.type pick,@function
pick: lea rax, [rip + implementation]
  ret
.size pick,.-pick
.size work,.-pick
.globl implementation
.type implementation,@function
implementation: mov eax, 1
  ret
.size implementation,.-implementation
)");
  EXPECT_EQ(
      check("jmp work _start\njmp pick _start\nset [work] int 1\n", program).text,
      R"(p.lp:1:5: error: `work` is an IFUNC: what stands at its address is the resolver that picked an implementation when the process started [ifunc-symbol]
    1 | jmp work _start
      |     ^~~~
  help: with a process (`--pid PID`) the implementation that it uses is meant; or name that implementation
p.lp:2:5: error: `pick` is the resolver of the IFUNC `work`: it ran when the process started, and nothing calls it again [ifunc-symbol]
    2 | jmp pick _start
      |     ^~~~
  help: name the implementation that was picked
p.lp:3:6: error: `work` is an IFUNC: what stands at its address is the resolver that picked an implementation when the process started [ifunc-symbol]
    3 | set [work] int 1
      |      ^~~~
  help: with a process (`--pid PID`) the implementation that it uses is meant; or name that implementation
)");
  EXPECT_EQ(check("jmp implementation _start\n", program).text, "");
}

} // namespace
} // namespace lpc::test
