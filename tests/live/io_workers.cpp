// Workers of io_uring stand in the task list, and are no threads of the program: they are not stopped, so the requests
// that they wait for do not notice anything, and it does no harm that they are born and end during a stop.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "runtime/proc_text.h"
#include "tests/live/service.h"
#include "tests/live/unharmed.h"

namespace lpc::test {
namespace {

const std::string kProgram = kBinaries + "/target_io_workers_pie";

class IoWorkers : public testing::Test {
protected:
  IoWorkers() { folder_.write("workers.lp", "patch workers\nset number int 6\nset other int 6\n"); }

  static size_t workersOf(pid_t pid) {
    size_t workers = 0;
    for (pid_t tid : runtime::threadIds(pid).value_or(std::vector<pid_t>{}))
      if (auto stat = runtime::threadStat(pid, tid)) workers += stat->isKernelWorker();
    return workers;
  }
  static std::string call(Child &child) {
    child.send("\n");
    return child.line().value_or("(no answer)");
  }
  // Both ways, `times` times.
  void patch(Child &child, int times) {
    std::string pid = std::to_string(child.pid());
    for (int i = 0; i < times && !HasFailure(); i++) {
      RunResult done = lpc({"apply", "workers.lp", "--pid", pid});
      EXPECT_EQ(done.status, 0) << done.out << done.err;
      EXPECT_EQ(call(child), "number 6");
      done = lpc({"revert", "workers", "--pid", pid});
      EXPECT_EQ(done.status, 0) << done.out << done.err;
      EXPECT_EQ(call(child), "number 5");
    }
  }
  WorkFolder folder_;
};

TEST_F(IoWorkers, WaitOnUndisturbed) {
  std::string fifo = folder_.path() + "/fifo";
  for (const char *end : {"", ".2", ".3"})
    ASSERT_EQ(mkfifo((fifo + end).c_str(), 0600), 0);
  Child child({kProgram, "waits", fifo});
  auto ready = child.line();
  if (ready == "unsupported") GTEST_SKIP() << "no io_uring here";
  ASSERT_EQ(ready, "ready");
  ASSERT_TRUE(eventually([&] { return workersOf(child.pid()) >= 3; }));
  patch(child, 3);
  // Each open goes on waiting for a writer: so there is a reader.
  std::vector<int> writers;
  for (const char *end : {"", ".2", ".3"})
    EXPECT_TRUE(eventually([&] {
      int fd = open((fifo + end).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      if (fd >= 0) writers.push_back(fd);
      return fd >= 0;
    })) << end;
  child.send("wait\n");
  auto results = child.line().value_or("");
  EXPECT_THAT(results, testing::StartsWith("results "));
  EXPECT_THAT(results, testing::Not(testing::HasSubstr("-")));
  for (int fd : writers)
    close(fd);
}

TEST_F(IoWorkers, PollingThread) {
  Child child({kProgram, "polls"});
  auto ready = child.line();
  if (ready == "unsupported") GTEST_SKIP() << "no io_uring here";
  ASSERT_EQ(ready, "ready");
  ASSERT_TRUE(eventually([&] { return workersOf(child.pid()) == 1; }));
  patch(child, 3);
  EXPECT_EQ(workersOf(child.pid()), 1U);
}

TEST_F(IoWorkers, BornAndEndingMeanwhile) {
  Child child({kProgram, "churns"});
  auto ready = child.line();
  if (ready == "unsupported") GTEST_SKIP() << "no io_uring here";
  ASSERT_EQ(ready, "ready");
  ASSERT_TRUE(eventually([&] { return workersOf(child.pid()) >= 1; }));
  patch(child, 20);
  EXPECT_TRUE(child.alive());
}

} // namespace
} // namespace lpc::test
