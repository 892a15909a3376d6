// Restartable sequences (rseq(2)): the agent and the player share the victim's thread pointer, and so the place where
// the C library has the victim's structure. The kernel must know of none for them, or it would write their processor
// into it, and send the victim to the wrong one's memory.
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/agent_support.h"

namespace lpc::test {
namespace {

// Where the kernel has the structure of a thread that we trace and that stands; 0: none.
std::optional<uint64_t> sequencesOf(pid_t tid) {
  __ptrace_rseq_configuration found{};
  if (ptrace(static_cast<__ptrace_request>(PTRACE_GET_RSEQ_CONFIGURATION), tid, sizeof found, &found) <= 0)
    return std::nullopt;
  return found.rseq_abi_pointer;
}

TEST(AgentSequences, AreTheVictimsAlone) {
  Child child({target("service"), "1"});
  ASSERT_EQ(child.line(), "ready");
  ASSERT_EQ(ptrace(PTRACE_SEIZE, child.pid(), nullptr, nullptr), 0);
  ASSERT_EQ(ptrace(PTRACE_INTERRUPT, child.pid(), nullptr, nullptr), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child.pid(), &status, __WALL), child.pid());
  auto victims = sequencesOf(child.pid());
  ASSERT_EQ(ptrace(PTRACE_DETACH, child.pid(), nullptr, nullptr), 0);
  if (!victims || *victims == 0) GTEST_SKIP() << "no restartable sequences here";

  auto process = Process::open(child.pid());
  LPC_ASSERT_OK(process);
  auto agent = startAgent(*process);
  LPC_ASSERT_OK(agent);
  auto memory = agent->map({}, 4096, PROT_READ | PROT_WRITE);
  LPC_ASSERT_OK(memory);
  LPC_ASSERT_OK(agent->stage({{*memory, {1, 2, 3}}}, *memory + 8, 7));
  auto tids = agent->threads();
  ASSERT_EQ(tids.size(), 2U);
  EXPECT_EQ(sequencesOf(tids[0]), 0U);
  // The player may be standing by, and not stopped; its processor is not in the victim's structure either way.
  EXPECT_EQ(sequencesOf(tids[1]).value_or(0), 0U);
}

} // namespace
} // namespace lpc::test
