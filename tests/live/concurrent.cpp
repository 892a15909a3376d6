// Several lpc at once on one process: one after the other gets its turn, nothing is done twice, and the process lives.
#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class Concurrent : public testing::Test {
protected:
  Concurrent() {
    folder_.write("number.lp", "patch number\nset number int 6\n"); // data alone: no guard of code catches a mistake
  }
  static constexpr int kAtOnce = 4, kRounds = 10;

  static std::vector<RunResult> atOnce(const std::vector<std::string> &words) {
    std::vector<RunResult> results(kAtOnce);
    std::vector<std::thread> threads;
    for (RunResult &result : results)
      threads.emplace_back([&] { result = lpc(words); });
    for (std::thread &thread : threads)
      thread.join();
    for (const RunResult &result : results)
      EXPECT_THAT(result.status, AnyOf(0, 3)) << result.out << result.err;
    return results;
  }
  WorkFolder folder_;
};

TEST_F(Concurrent, AppliesAndRevertsHappenOnce) {
  Service service(8);
  for (int round = 0; round < kRounds && !HasFailure(); round++) {
    SCOPED_TRACE("round " + std::to_string(round));
    atOnce({"apply", "number.lp", "--pid", service.pidText()});
    EXPECT_TRUE(service.child().alive());
    RunResult last = lpc({"apply", "number.lp", "--pid", service.pidText()});
    ASSERT_EQ(last.status, 0) << last.err;
    EXPECT_THAT(service.call(), HasSubstr("number 6"));
    RunResult status = lpc({"status", "--pid", service.pidText()});
    EXPECT_EQ(status.out.find("number:"), status.out.rfind("number:")) << "applied twice:\n" << status.out;

    atOnce({"revert", "number", "--pid", service.pidText()});
    last = lpc({"revert", "number", "--pid", service.pidText()});
    EXPECT_THAT(last.status, AnyOf(0, 3)) << last.err;
    service.expectUntouched();
  }
}

} // namespace
} // namespace lpc::test
