// Processes whose seccomp filter would end them for what the agent does.
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/live/agent_support.h"

namespace lpc::test {
namespace {

// Only of this thread, for the rest of its life.
bool dropSystemAdministration() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2]{};
  if (syscall(SYS_capget, &header, sets) != 0) return false;
  sets[0].effective &= ~(1U << CAP_SYS_ADMIN);
  sets[0].permitted &= ~(1U << CAP_SYS_ADMIN);
  return syscall(SYS_capset, &header, sets) == 0;
}

TEST(AgentSeccomp, FiltersSleepForTheAgentAlone) {
  if (geteuid() != 0) GTEST_SKIP() << "suspending a filter needs CAP_SYS_ADMIN";
  Child child({target("agent_seccomp")});
  ASSERT_TRUE(child.lineWith("ready"));
  ASSERT_TRUE(eventually([&] { return runtime::threadState(child.pid(), child.pid()) == 'S'; }));
  auto state = stateOf(child.pid());
  auto mappings = mappingsOf(child.pid());
  {
    auto process = Process::open(child.pid());
    LPC_ASSERT_OK(process);
    auto agent = startAgent(*process);
    if (!agent && agent.error().id == DiagnosticId::NotPermitted) GTEST_SKIP() << explain(agent.error());
    LPC_ASSERT_OK(agent);
    LPC_EXPECT_OK(agent->call(SYS_gettid));
    auto memory = agent->map({}, 4096, PROT_READ | PROT_WRITE);
    LPC_ASSERT_OK(memory);
    LPC_ASSERT_OK(agent->stage({{*memory, {1, 2, 3}}}, *memory + 8, 7)); // the player is born without the filter too
    LPC_EXPECT_OK(agent->play(in(5s)));
    EXPECT_EQ(process->readWord(*memory + 8).value(), 7U);
    child.send("x\n");
    EXPECT_TRUE(child.lineWith("alive"));
    LPC_EXPECT_OK(agent->unmap(*memory, 4096));
  }
  EXPECT_EQ(stateOf(child.pid()), state);
  EXPECT_EQ(mappingsOf(child.pid()), mappings);
  child.send("x\n");
  EXPECT_TRUE(child.lineWith("alive"));
}

TEST(AgentSeccomp, RefusedWhereTheyCannotBeSuspended) {
  Child child({target("agent_seccomp")});
  ASSERT_TRUE(child.lineWith("ready"));
  auto state = stateOf(child.pid());
  auto mappings = mappingsOf(child.pid());
  // In a child, so that this test program keeps its rights.
  int result[2];
  ASSERT_EQ(pipe(result), 0);
  pid_t driver = fork();
  if (driver == 0) {
    std::string said = "no capabilities";
    if (dropSystemAdministration()) {
      auto process = Process::open(child.pid());
      auto agent = process ? startAgent(*process) : Result<Agent>(std::unexpected(process.error()));
      said = agent ? "started" : std::string(info(agent.error().id).text) + ": " + explain(agent.error());
    }
    _exit(write(result[1], said.data(), said.size()) < 0);
  }
  close(result[1]);
  char text[2048] = "";
  ssize_t size = read(result[0], text, sizeof text - 1);
  close(result[0]);
  waitpid(driver, nullptr, 0);
  ASSERT_GT(size, 0);
  EXPECT_THAT(text, testing::AllOf(testing::StartsWith("not-permitted: "), testing::HasSubstr("seccomp"),
                                   testing::HasSubstr("CAP_SYS_ADMIN")));
  EXPECT_EQ(stateOf(child.pid()), state);
  EXPECT_EQ(mappingsOf(child.pid()), mappings);
  child.send("x\n");
  EXPECT_TRUE(child.lineWith("alive"));
}

} // namespace
} // namespace lpc::test
