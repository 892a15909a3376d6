// Copies that a compiler made of a function belong to the function of their own file.
#include <gmock/gmock.h>

#include "support.h"

namespace lpc::test {
namespace {

std::string function(const std::string &name) {
  return ".type " + name + ",@function\n" + name + ": push %rbp\nmov %rsp,%rbp\nxor %eax,%eax\npop %rbp\nret\n.size " +
         name + ",.-" + name + "\n.balign 16\n";
}

// `parse` of a.c has a copy in a part of its own; that of b.c is another function, and so is its copy.
std::string program() {
  std::string other = ".globl _start\n_start: jmp _start\n.balign 16\n" + function("other");
  return build({.sources = {{"a.s", ".file \"a.c\"\n" + other + function("parse") + function("parse.part.0")},
                            {"b.s", ".file \"b.c\"\n" + function("parse") + function("parse.constprop.0")}},
                .flags = {"-static", "-no-pie"}});
}

TEST(Clones, AreThoseOfTheFunctionsOwnFile) {
  std::string said = check("jmp a.c:parse other\n", program()).text;
  EXPECT_THAT(said, testing::HasSubstr("the compiler made another copy of `parse`"));
  EXPECT_THAT(said, testing::HasSubstr("a.c  parse.part.0\n"));
  EXPECT_THAT(said, testing::Not(testing::HasSubstr("parse.constprop.0")));
  EXPECT_EQ(check("jmp b.c:parse other\njmp parse.constprop.0 other\n", program()).text, "");
}

} // namespace
} // namespace lpc::test
