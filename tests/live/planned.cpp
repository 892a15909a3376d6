// The digest of a plan: the same as long as the process would get the same, and what is applied with it is that or
// nothing.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class Planned : public testing::Test {
protected:
  Planned() {
    folder_.write("fix.lp", "patch fix\ndl fix " + kPayload + "\njmp func_J $fix:func1\nset number int 6\n");
    folder_.write("other.lp", "patch other\nnew room 64\nset $room int 1\nset text str \"other\"\n");
  }
  static std::string digest(const Service &service) {
    RunResult planned = lpc({"plan", "fix.lp", "--pid", service.pidText()});
    EXPECT_EQ(planned.status, 0) << planned.err;
    size_t at = planned.out.find("digest ");
    return at == std::string::npos ? "" : planned.out.substr(at + 7, 64);
  }
  static RunResult applyPlanned(const Service &service, const std::string &digest,
                                const std::vector<std::string> &options = {}) {
    std::vector<std::string> words = {"apply", "fix.lp", "--pid", service.pidText(), "--expect-plan", digest};
    words.insert(words.end(), options.begin(), options.end());
    return lpc(words);
  }
  static void expectDiffers(const RunResult &done, const Service &service) {
    EXPECT_EQ(done.status, 3) << done.out;
    EXPECT_THAT(done.err, HasSubstr("[plan-differs]"));
    EXPECT_THAT(done.err, HasSubstr("state: process " + service.pidText() + " was not stopped; nothing was changed"));
  }

  WorkFolder folder_;
  Service service_{3};
};

// Its threads run on, and what it says changes nothing of what it would get.
TEST_F(Planned, IsTheSameEveryTime) {
  std::string first = digest(service_);
  ASSERT_EQ(first.size(), 64U);
  for (int i = 0; i < 5; i++) {
    (void)service_.call();
    EXPECT_EQ(digest(service_), first);
  }
  EXPECT_EQ(applyPlanned(service_, first, {"--dry-run"}).status, 0);
  service_.expectUntouched();
  RunResult applied = applyPlanned(service_, first);
  EXPECT_EQ(applied.status, 0) << applied.err;
  EXPECT_THAT(service_.call(), HasSubstr("number 6"));
  EXPECT_EQ(lpc({"revert", "fix", "--pid", service_.pidText()}).status, 0);
  service_.expectUntouched();
}

// Its addresses are others.
TEST_F(Planned, IsOfOneProcess) {
  Service second(3);
  std::string first = digest(service_);
  ASSERT_NE(digest(second), first);
  expectDiffers(applyPlanned(second, first), second);
  second.expectUntouched();
}

// Another patch takes the memory that was planned with; when it has gone, the plan holds again.
TEST_F(Planned, IsOfOneState) {
  std::string first = digest(service_);
  ASSERT_EQ(lpc({"apply", "other.lp", "--pid", service_.pidText()}).status, 0);
  EXPECT_NE(digest(service_), first);
  expectDiffers(applyPlanned(service_, first), service_);
  expectDiffers(applyPlanned(service_, first, {"--dry-run"}), service_);
  EXPECT_THAT(service_.call(), HasSubstr("number 5"));
  ASSERT_EQ(lpc({"revert", "other", "--pid", service_.pidText()}).status, 0);
  EXPECT_EQ(digest(service_), first);
  RunResult applied = applyPlanned(service_, first);
  EXPECT_EQ(applied.status, 0) << applied.err;
}

} // namespace
} // namespace lpc::test
