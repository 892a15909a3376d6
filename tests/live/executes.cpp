// A program that executes itself again and again while it is patched: never a hang, no damage, and no word of an end.
#include <gmock/gmock.h>

#include "tests/live/agent_support.h"
#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

TEST(Executes, IsNotCalledGone) {
  WorkFolder folder;
  folder.write("loop.lp", "patch loop\nset number int 6\nset other int 6\n");
  std::string endFile = folder.path() + "/end", program = kBinaries + "/target_exec_loop_pie";
  Child child({program, endFile});
  ASSERT_EQ(child.line(), "ready");
  int told = 0;
  for (int i = 0; i < 40; i++) {
    RunResult done = lpc({"apply", "loop.lp", "--target", program, "--pid", std::to_string(child.pid())});
    ASSERT_THAT(done.status, AnyOf(0, 3)) << done.out << done.err;
    EXPECT_THAT(done.err, Not(AnyOf(HasSubstr("is gone"), HasSubstr("has ended"), HasSubstr("ended while"))));
    told += done.err.find("[process-changed]") != std::string::npos;
  }
  EXPECT_GT(told, 0) << "it was never noticed";
  std::ofstream(endFile) << "now";
  EXPECT_EQ(child.wait(), 0);
}

} // namespace
} // namespace lpc::test
