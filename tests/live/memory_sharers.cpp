// A process that shares its memory with another one that is no thread of it (clone with CLONE_VM) is refused, as long
// as that one is there; and nothing else is taken for such a one.
#include <gmock/gmock.h>
#include <signal.h>

#include "runtime/memory_sharers.h"
#include "tests/live/service.h"
#include "tests/live/unharmed.h"

namespace lpc::test {
namespace {

using runtime::MemorySharers;
using testing::HasSubstr;

class Sharing : public testing::Test {
protected:
  Sharing() { folder_.write("sharing.lp", "patch sharing\nset number int 6\nset other int 6\n"); }
  ~Sharing() override {
    if (other_ > 0) kill(other_, SIGKILL); // it outlives its maker
  }
  Child start(const std::string &mode) {
    Child child({kBinaries + "/target_memory_sharers_pie", mode});
    auto line = child.line().value_or("");
    EXPECT_THAT(line, testing::StartsWith("ready "));
    if (line.size() > 6) other_ = std::stoi(line.substr(6));
    return child;
  }
  static std::string answer(Child &child, const std::string &line) {
    child.send(line + "\n");
    return child.line().value_or("(no answer)");
  }
  RunResult command(const std::string &word, pid_t pid) {
    return lpc({word, word == "revert" ? "sharing" : "sharing.lp", "--pid", std::to_string(pid)});
  }
  void expectRefused(Child &child) {
    Whole before = wholeOf(child.pid());
    for (const char *word : {"plan", "apply"}) {
      RunResult done = command(word, child.pid());
      EXPECT_EQ(done.status, 3) << done.out << done.err;
      EXPECT_THAT(done.err, HasSubstr("[shared-memory]"));
      EXPECT_THAT(done.err, HasSubstr("process " + std::to_string(other_) + " (`"));
      EXPECT_THAT(done.err, HasSubstr("nothing was changed"));
    }
    EXPECT_EQ(wholeOf(child.pid()), before);
    EXPECT_EQ(answer(child, ""), "number 5");
  }
  void expectPatched(Child &child) {
    RunResult done = command("apply", child.pid());
    EXPECT_EQ(done.status, 0) << done.out << done.err;
    EXPECT_EQ(answer(child, ""), "number 6");
  }
  WorkFolder folder_;
  pid_t other_ = 0;
};

TEST_F(Sharing, RefusedWhileAnotherIsThere) {
  Child child = start("sibling");
  expectRefused(child);
  EXPECT_THAT(command("status", child.pid()).status, testing::Ne(4));
  EXPECT_EQ(answer(child, "end"), "ended");
  expectPatched(child);
}

TEST_F(Sharing, TheOtherOneIsRefused) {
  Child child = start("sibling");
  RunResult done = command("apply", other_);
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("shares the memory of process " + std::to_string(other_)));
  EXPECT_THAT(done.err, HasSubstr("[shared-memory]"));
}

TEST_F(Sharing, OneWhoseMakerHasEnded) {
  Child child = start("orphan");
  expectRefused(child);
  EXPECT_EQ(answer(child, "end"), "ended");
  expectPatched(child);
}

TEST_F(Sharing, RevertIsRefused) {
  Child child = start("later");
  expectPatched(child);
  other_ = std::stoi(answer(child, "clone").substr(6));
  RunResult done = command("revert", child.pid());
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[shared-memory]"));
  EXPECT_EQ(answer(child, ""), "number 6");
  EXPECT_EQ(answer(child, "end"), "ended");
  done = command("revert", child.pid());
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(child, ""), "number 5");
}

// Born between the looks.
TEST_F(Sharing, BornMeanwhile) {
  Child child = start("later");
  auto process = Process::open(child.pid());
  LPC_ASSERT_OK(process);
  auto sharers = MemorySharers::none(*process);
  LPC_ASSERT_OK(sharers);
  LPC_EXPECT_OK(sharers->noneBorn());
  {
    Child unrelated({"true"});
  }
  LPC_EXPECT_OK(sharers->noneBorn());
  other_ = std::stoi(answer(child, "clone").substr(6));
  auto expectFound = [](const Result<void> &done) {
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().id, DiagnosticId::SharedMemory);
  };
  expectFound(sharers->noneBorn());
  expectFound(sharers->catchUp());
  expectFound(sharers->noneBorn()); // it is not forgotten
  EXPECT_EQ(answer(child, "end"), "ended");
  LPC_EXPECT_OK(sharers->catchUp());
  LPC_EXPECT_OK(sharers->noneBorn());
}

// Children of posix_spawn share the memory, too: for some moments, in which their parent waits.
TEST_F(Sharing, SpawningIsNoSharing) {
  Child child = start("spawns");
  int patched = 0;
  for (int i = 0; i < 10 && !HasFailure(); i++) {
    RunResult done = command("apply", child.pid());
    EXPECT_THAT(done.err, testing::Not(HasSubstr("[shared-memory]")));
    if (done.status != 0) continue; // never a moment without a pending vfork
    EXPECT_EQ(answer(child, ""), "number 6");
    EXPECT_EQ(command("revert", child.pid()).status, 0);
    patched++;
  }
  EXPECT_GT(patched, 0);
}

} // namespace
} // namespace lpc::test
