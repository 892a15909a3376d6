// Revert, status, stacking, and doing it again and again.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Revert : public testing::Test {
protected:
  WorkFolder folder_;
  Revert() {
    folder_.write("fix.lp", "patch fix version \"1\"\ndl foo " + kPayload +
                                "\njmp func_J $foo:func1\nset str_P addr $foo:patch_message\n");
    folder_.write("number.lp", "patch number\nset number int 6\n");
    folder_.write("over.lp", "patch over\nset number int 7\n");
  }
  static RunResult apply(const std::string &file, const Service &service) {
    return lpc({"apply", file, "--pid", service.pidText()});
  }
  static RunResult revert(const std::string &name, const Service &service) {
    return lpc({"revert", name, "--pid", service.pidText()});
  }
};

TEST_F(Revert, LeavesTheProcessAsItWas) {
  for (int threads : {1, 8, 200}) {
    Service service(threads);
    RunResult done = apply("fix.lp", service);
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_THAT(service.call(), HasSubstr("func_J 4100 str_P a new message"));
    RunResult status = lpc({"status", "--pid", service.pidText()});
    EXPECT_THAT(status.out, HasSubstr("fix 1: applied"));
    done = revert("fix", service);
    EXPECT_EQ(done.status, 0) << done.err;
    service.expectUntouched();
    EXPECT_THAT(lpc({"status", "--pid", service.pidText()}).out, Not(HasSubstr("fix 1")));
  }
}

TEST_F(Revert, NotApplied) {
  Service service(1);
  ASSERT_EQ(apply("number.lp", service).status, 0);
  RunResult done = revert("nummber", service);
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("[not-applied]"));
  EXPECT_THAT(done.err, HasSubstr("did you mean `number`?"));
  EXPECT_EQ(revert("number", service).status, 0);
  service.expectUntouched();
}

TEST_F(Revert, LaterPatchesFirst) {
  Service service(2);
  ASSERT_EQ(apply("number.lp", service).status, 0);
  ASSERT_EQ(apply("over.lp", service).status, 0);
  EXPECT_THAT(service.call(), HasSubstr("number 7"));
  RunResult done = revert("number", service);
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("[patched-over]"));
  EXPECT_EQ(revert("over", service).status, 0);
  EXPECT_THAT(service.call(), HasSubstr("number 6"));
  EXPECT_EQ(revert("number", service).status, 0);
  service.expectUntouched();
}

TEST_F(Revert, IndependentPatchesInAnyOrder) {
  Service service(8);
  ASSERT_EQ(apply("number.lp", service).status, 0);
  ASSERT_EQ(apply("fix.lp", service).status, 0);
  EXPECT_EQ(revert("number", service).status, 0);
  EXPECT_THAT(service.call(), HasSubstr("func_J 4100"));
  EXPECT_EQ(revert("fix", service).status, 0);
  service.expectUntouched();
}

TEST_F(Revert, LeavesAloneWhatTheProgramChanged) {
  Service service(1);
  folder_.write("text.lp", "patch text\nset text cstr \"patched\"\n");
  ASSERT_EQ(apply("text.lp", service).status, 0);
  folder_.write("later.lp", "patch later\nset text+2 u8 0x54\n");
  // Stands for the program itself: a write that no record of ours covers when `text` is reverted.
  ASSERT_EQ(apply("later.lp", service).status, 0);
  RunResult done = revert("text", service);
  EXPECT_EQ(done.status, 3) << "a later patch of ours is known and refused";
  EXPECT_THAT(done.err, HasSubstr("[patched-over]"));
}

TEST_F(Revert, HundredTimesLeakNothing) {
  Service service(8);
  for (int i = 0; i < 100; i++) {
    RunResult done = apply("fix.lp", service);
    ASSERT_EQ(done.status, 0) << done.err << " in round " << i;
    done = revert("fix", service);
    ASSERT_EQ(done.status, 0) << done.err << " in round " << i;
  }
  service.expectUntouched();
}

TEST_F(Revert, DryRunChangesNothing) {
  Service service(8);
  RunResult done = lpc({"apply", "fix.lp", "--pid", service.pidText(), "--dry-run"});
  EXPECT_EQ(done.status, 0) << done.err;
  service.expectUntouched();
}

} // namespace
} // namespace lpc::test
