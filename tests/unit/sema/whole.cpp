// Files as a whole: all findings in one run, the operations in order, and what a long file costs.
#include "server.h"
#include "support.h"

#include <gtest/gtest.h>

#include <ctime>

namespace lpc::test {
namespace {

TEST(Whole, EveryFindingInOneRun) {
  std::string patch = R"(patch hotfix
new buffer 0
set countr int 1
set counter int 99999999999
jmp handle_request+6 tiny
oops
set $buffer int 1
set $nothing int 1
jmp handle_request counter
set counter u64 1 was 300
jmp neighbour nowhere
)";
  EXPECT_EQ(ids(patch, assembled(kServer)),
            "bad-size unknown-symbol integer-out-of-range not-an-instruction unknown-instruction unknown-memory "
            "not-code past-object-end unknown-symbol");
}

TEST(Whole, OneStatementCanHaveSeveral) {
  EXPECT_EQ(ids("set nothing u8 300 was 400\n", assembled(kServer)),
            "unknown-symbol integer-out-of-range integer-out-of-range");
  EXPECT_EQ(ids("jmp counter table\n", assembled(kServer)), "not-code not-code");
}

TEST(Whole, OperationsInOrderWithTheirPlaces) {
  Checked checked =
      check("# first\nset counter int 1\nnew m 8\njmp handle_request tiny\nset $m addr counter\n", assembled(kServer));
  EXPECT_EQ(checked.text, "");
  ASSERT_EQ(checked.patch.operations.size(), 4U);
  EXPECT_EQ(action<ir::Write>(checked, 0).type, "int");
  EXPECT_EQ(action<ir::Alloc>(checked, 1).memory, ir::MemoryId{0});
  EXPECT_EQ(action<ir::Branch>(checked, 2).room, 8U);
  EXPECT_EQ(action<ir::Write>(checked, 3).type, "addr");
  EXPECT_EQ(action<ir::Write>(checked, 3).width, 8U);
  EXPECT_EQ(checked.patch.operations[0].place, (Place{2, 1, 2, 18}));
  EXPECT_EQ(checked.patch.operations[3].place, (Place{5, 1, 5, 20}));
  EXPECT_EQ(checked.patch.source, "p.lp");
}

TEST(Whole, AnEmptyPatchIsRight) { EXPECT_EQ(check("# nothing\n", assembled(kServer)).text, ""); }

TEST(Whole, PointersToPointersHaveALimit) {
  std::string deep(33, '['), end(33, ']');
  EXPECT_EQ(check("set " + deep.substr(1) + "table+0" + end.substr(1) + " int 1\n", assembled(kServer)).text, "");
  EXPECT_EQ(check("set " + deep + "table+0" + end + " int 1\n", assembled(kServer)).good, false);
}

// 100,000 statements that name 100,000 symbols: the aim is a second for check on the whole; nothing here may be
// quadratic: then this test would not end in time.
TEST(Whole, AHundredThousandStatements) {
  constexpr int kCount = 100'000;
  std::string program =
      assembled(".data\n.altmacro\n.macro variable n\n.globl v_\\n\n.type v_\\n,@object\n.size v_\\n,4\nv_\\n: .long "
                "0\n.endm\n.set i,0\n.rept 100000\nvariable %i\n.set i,i+1\n.endr\n");
  std::string patch;
  for (int i = 0; i < kCount; i++)
    patch += "set v_" + std::to_string(i) + " int " + std::to_string(i) + "\n";
  std::clock_t begin = std::clock(); // of our processor time: the machine may be busy with something else
  Checked checked = check(patch, program);
  double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  EXPECT_EQ(checked.text, "");
  EXPECT_EQ(checked.patch.operations.size(), static_cast<size_t>(kCount));
  RecordProperty("milliseconds", static_cast<int>(seconds * 1000));
}

} // namespace
} // namespace lpc::test
