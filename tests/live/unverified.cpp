// Somebody else writes to the same place: what was written does not stand there, and everything is put back.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

TEST(Unverified, IsPutBack) {
  Child child({kBinaries + "/target_shared_writer"});
  auto line = child.lineWith("ready ");
  ASSERT_TRUE(line);
  WorkFolder folder;
  folder.write("change.lp", "set " + line->substr(6) + " int 5\n");
  ProcessState before = stateOf(child.pid());
  std::string pid = std::to_string(child.pid());
  RunResult done;
  // The writer may not run between our write and the look at it: on a busy machine it takes some attempts.
  for (int attempt = 0; attempt < 200; attempt++) {
    done = lpc({"apply", "change.lp", "--pid", pid, "--stop", "always"});
    if (done.status != 0) break;
    ASSERT_EQ(lpc({"revert", "change", "--pid", pid}).status, 0);
  }
  EXPECT_EQ(done.status, 4) << done.out;
  EXPECT_THAT(done.err, HasSubstr("[verify-failed]"));
  EXPECT_THAT(done.err, HasSubstr("state: everything was put back; process " + pid + " runs on as before the apply"));
  EXPECT_EQ(stateOf(child.pid()), before);

  child.send("end\n"); // of the writer: nothing is in the way any more
  ASSERT_TRUE(child.line());
  done = lpc({"apply", "change.lp", "--pid", pid});
  EXPECT_EQ(done.status, 0) << done.err;
  child.send("show\n");
  EXPECT_EQ(child.line(), "word 5");
  EXPECT_EQ(lpc({"revert", "change", "--pid", pid}).status, 0);
  child.send("show\n");
  EXPECT_EQ(child.line(), "word 0");
}

} // namespace
} // namespace lpc::test
