// The agent in real processes: it does its work, and the process is as before.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "tests/live/agent_support.h"

namespace lpc::test {
namespace {

// A system call, and memory that holds what is put there.
void useAgent(const Process &process, Agent &agent) {
  auto pid = agent.call(SYS_getpid);
  LPC_ASSERT_OK(pid);
  EXPECT_EQ(*pid, process.pid());
  auto tid = agent.call(SYS_gettid);
  LPC_ASSERT_OK(tid);
  EXPECT_EQ(*tid, agent.tid());
  auto memory = agent.map({}, 8192, PROT_READ | PROT_WRITE);
  LPC_ASSERT_OK(memory);
  LPC_EXPECT_OK(process.write(*memory, asBytes("hello")));
  LPC_EXPECT_OK(agent.protect(*memory, 4096, PROT_READ));
  LPC_EXPECT_OK(agent.unmap(*memory, 8192));
  EXPECT_FALSE(process.read(*memory, 1));
  LPC_EXPECT_OK(process.write(agent.scratch(), asBytes("scratch")));
}

void useProcess(pid_t pid) {
  auto process = Process::open(pid);
  LPC_ASSERT_OK(process);
  auto agent = startAgent(*process);
  LPC_ASSERT_OK(agent);
  useAgent(*process, *agent);
}

void expectUnchanged(pid_t pid, const std::vector<std::string> &mappings, const ProcessState &state) {
  EXPECT_EQ(stateOf(pid), state);
  EXPECT_EQ(mappingsOf(pid), mappings);
}

void useAndExpectUnchanged(pid_t pid) {
  auto state = stateOf(pid);
  auto mappings = mappingsOf(pid);
  useProcess(pid);
  expectUnchanged(pid, mappings, state);
}

struct Call {
  const char *kind;
  const char *release; // what to send, "" where time releases it, "USR1" for the signal
  const char *result;  // RESULT ERRNO
  int milliseconds;    // at least
};
void PrintTo(const Call &call, std::ostream *out) { *out << call.kind; }

class AgentInCall : public testing::TestWithParam<Call> {};

bool sleeps(pid_t pid) { return runtime::threadState(pid, pid) == 'S'; }

TEST_P(AgentInCall, LeavesTheCallUndisturbed) {
  const Call &call = GetParam();
  Child child({target("agent_calls"), call.kind});
  ASSERT_TRUE(child.lineWith("waiting"));
  ASSERT_TRUE(eventually([&] { return sleeps(child.pid()); }));
  for (int i = 0; i < 3; i++)
    useAndExpectUnchanged(child.pid());
  if (std::string(call.release) == "USR1")
    child.signal(SIGUSR1);
  else if (*call.release)
    child.send(call.release);
  auto line = child.lineWith(call.kind);
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, testing::StartsWith(std::string(call.kind) + " " + call.result + " "));
  int milliseconds = std::stoi(line->substr(line->rfind(' ') + 1));
  EXPECT_GE(milliseconds, call.milliseconds);
  if (call.milliseconds) {
    EXPECT_LE(milliseconds, call.milliseconds + 5000);
  }
  EXPECT_EQ(child.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(All, AgentInCall,
                         testing::Values(Call{"nanosleep", "", "0 0", 400}, Call{"futex", "", "-1 110", 400},
                                         Call{"poll-timeout", "", "0 0", 400}, Call{"poll", "x", "1 0", 0},
                                         Call{"ppoll", "x", "1 0", 0}, Call{"select", "x", "1 0", 0},
                                         Call{"read", "x", "1 0", 0}, Call{"epoll", "x", "1 0", 0},
                                         Call{"epoll-timeout", "x", "1 0", 0}, Call{"epoll-pwait", "x", "1 0", 0},
                                         Call{"pause", "USR1", "-1 4", 0}, Call{"sigsuspend", "USR1", "-1 4", 0},
                                         Call{"sigtimedwait", "USR1", "10 0", 0}, Call{"wait", "x", "7 0", 0},
                                         Call{"recv", "x", "6 0", 0}, Call{"recv-timeout", "x", "6 0", 0},
                                         Call{"accept", "x", "1 0", 0}),
                         [](const auto &each) {
                           std::string name = each.param.kind;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(Agent, SingleSpinningThread) {
  Busy busy({"-1"});
  for (int i = 0; i < 20; i++)
    useAndExpectUnchanged(busy.pid());
  EXPECT_TRUE(busy.child().lineWith("tick 2"));
}

TEST(Agent, PositionIndependentProgram) {
  Busy busy({"1", "1"}, target("agent_busy_pie"));
  useAndExpectUnchanged(busy.pid());
  EXPECT_TRUE(busy.allProgress());
}

TEST(Agent, StaticProgram) {
  std::string program = std::string(LPC_TEST_BINARY_DIR) + "/agent_busy_static";
  auto built = run({"cc", "-static", "-O2", "-pthread", "-o", program,
                    std::string(LPC_SOURCE_DIR) + "/tests/live/targets/agent_busy.c"});
  if (built.status != 0) GTEST_SKIP() << "no static C library here: " << built.err;
  Busy busy({"1", "1"}, program);
  useAndExpectUnchanged(busy.pid());
  EXPECT_TRUE(busy.allProgress());
}

TEST(Agent, EightThreads) {
  Busy busy({"2", "3", "1"});
  for (int i = 0; i < 5; i++)
    useAndExpectUnchanged(busy.pid());
  EXPECT_TRUE(busy.allProgress());
}

TEST(Agent, TwoHundredThreads) {
  Busy busy({"1", "150", "24"});
  useAndExpectUnchanged(busy.pid());
  EXPECT_TRUE(busy.allProgress());
}

TEST(Agent, TwoHundredInARow) {
  Busy busy({"1", "1", "1"});
  auto state = stateOf(busy.pid());
  auto mappings = mappingsOf(busy.pid());
  for (int i = 0; i < 200; i++) {
    useProcess(busy.pid());
    if (HasFailure()) break;
  }
  expectUnchanged(busy.pid(), mappings, state);
  EXPECT_TRUE(busy.allProgress());
  busy.child().send("x\n");
  EXPECT_EQ(busy.child().wait(), 7) << "its own exit status";
}

// The page of the agent's program is private now, but has its old content.
TEST(Agent, CodePaddingIsRestored) {
  Busy busy({"0", "1"});
  auto process = Process::open(busy.pid());
  LPC_ASSERT_OK(process);
  auto maps = runtime::readMaps(*process);
  LPC_ASSERT_OK(maps);
  std::vector<std::pair<RemoteAddress, Bytes>> before;
  for (const auto &mapping : *maps)
    if (mapping.executable && mapping.readable)
      if (auto bytes = process->read(mapping.range.begin, mapping.range.size()))
        before.emplace_back(mapping.range.begin, *bytes);
  ASSERT_FALSE(before.empty());
  {
    auto agent = startAgent(*process);
    LPC_ASSERT_OK(agent);
    auto changed = std::ranges::count_if(
        before, [&](const auto &b) { return process->read(b.first, b.second.size()).value() != b.second; });
    EXPECT_EQ(changed, 1) << "the agent's program stands in one mapping";
  }
  for (const auto &[at, bytes] : before)
    EXPECT_EQ(process->read(at, bytes.size()).value(), bytes) << hexAddress(at);
}

// 2 kHz of signals to the process and as many as we can send to its threads.
TEST(Agent, SignalsStorm) {
  Busy busy({"1", "2", "1", "2000"});
  auto tids = runtime::threadIds(busy.pid());
  LPC_ASSERT_OK(tids);
  pid_t storm = fork();
  if (storm == 0) {
    for (;;) {
      for (pid_t tid : *tids)
        if (syscall(SYS_tgkill, busy.pid(), tid, SIGUSR1) != 0) _exit(0);
      timespec rest{0, 100'000};
      nanosleep(&rest, nullptr);
    }
  }
  auto before = busy.counts();
  for (int i = 0; i < 50 && !HasFailure(); i++)
    useProcess(busy.pid());
  EXPECT_TRUE(busy.allProgress());
  auto after = busy.counts();
  kill(storm, SIGKILL);
  waitpid(storm, nullptr, 0);
  ASSERT_FALSE(before.empty());
  EXPECT_GT(after.back(), before.back());
  EXPECT_EQ(stateOf(busy.pid()).threads, tids->size());
}

TEST(Agent, StoppedProcessStaysStopped) {
  Busy busy({"1", "1"});
  busy.child().signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return statesOf(busy.pid()) == "TTT"; }));
  auto mappings = mappingsOf(busy.pid());
  useProcess(busy.pid());
  EXPECT_TRUE(eventually([&] { return statesOf(busy.pid()) == "TTT"; })) << statesOf(busy.pid());
  EXPECT_EQ(mappingsOf(busy.pid()), mappings);
  busy.child().signal(SIGCONT);
  EXPECT_TRUE(busy.allProgress());
}

TEST(Agent, StoppedAndContinuedMeanwhile) {
  Busy busy({"1", "1"});
  auto process = Process::open(busy.pid());
  LPC_ASSERT_OK(process);
  auto state = stateOf(busy.pid());
  {
    auto agent = startAgent(*process);
    LPC_ASSERT_OK(agent);
    busy.child().signal(SIGSTOP);
    useAgent(*process, *agent);
    EXPECT_TRUE(eventually([&] { return statesOf(busy.pid()).starts_with("TTT"); })) << statesOf(busy.pid());
    useAgent(*process, *agent);
  }
  EXPECT_TRUE(eventually([&] { return statesOf(busy.pid()) == "TTT"; })) << statesOf(busy.pid());
  busy.child().signal(SIGCONT);
  EXPECT_TRUE(busy.allProgress());
  EXPECT_EQ(stateOf(busy.pid()), state);
}

TEST(Agent, ProcessKilledMeanwhile) {
  Busy busy({"1", "1"});
  auto process = Process::open(busy.pid());
  LPC_ASSERT_OK(process);
  auto agent = startAgent(*process);
  LPC_ASSERT_OK(agent);
  busy.child().signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return !agent->call(SYS_getpid); }));
  auto again = agent->call(SYS_getpid);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().id, DiagnosticId::ProcessGone);
  {
    Agent ended = std::move(*agent);
  }
  EXPECT_EQ(busy.child().wait(), 128 + SIGKILL);
}

TEST(Agent, AddressSpaceLimit) {
  Busy busy({"0", "1"});
  auto process = Process::open(busy.pid());
  LPC_ASSERT_OK(process);
  auto agent = startAgent(*process);
  LPC_ASSERT_OK(agent);
  rlimit limit{1 << 20, RLIM_INFINITY};
  ASSERT_EQ(prlimit(busy.pid(), RLIMIT_AS, &limit, nullptr), 0);
  auto memory = agent->map({}, 1 << 16, PROT_READ);
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().id, DiagnosticId::RemoteCallFailed);
  EXPECT_THAT(memory.error().message,
              testing::AllOf(testing::HasSubstr("mmap"), testing::HasSubstr("Cannot allocate memory")));
  {
    Agent ended = std::move(*agent);
  }
  auto state = stateOf(busy.pid());
  auto second = startAgent(*process);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().id, DiagnosticId::RemoteCallFailed);
  EXPECT_EQ(stateOf(busy.pid()), state);
  EXPECT_TRUE(busy.allProgress());
}

TEST(Agent, TakenCandidatesAreSkipped) {
  Busy busy({"0", "1"});
  auto process = Process::open(busy.pid());
  LPC_ASSERT_OK(process);
  auto agent = startAgent(*process);
  LPC_ASSERT_OK(agent);
  auto free = agent->map({}, 4 * 4096, PROT_READ);
  LPC_ASSERT_OK(free);
  LPC_ASSERT_OK(agent->unmap(*free + 4096, 4096));
  auto placed = agent->map({*free, *free + 2 * 4096, *free + 4096}, 4096, PROT_READ | PROT_EXEC);
  LPC_ASSERT_OK(placed);
  EXPECT_EQ(*placed, *free + 4096);
  auto none = agent->map({*free, *free + 4096}, 4096, PROT_READ);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().id, DiagnosticId::NoSpaceInReach);
  LPC_EXPECT_OK(agent->unmap(*free, 4 * 4096));
}

TEST(Agent, NoFurtherThreadAllowed) {
  if (geteuid() != 0) GTEST_SKIP() << "a limit on threads binds this user everywhere: run as root";
  // Root is exempt, so the target drops to another user.
  Child child({"prlimit", "--nproc=2:2", "setpriv", "--reuid", "65533", "--clear-groups", "--inh-caps=-all",
               target("agent_busy"), "0", "1"});
  if (!child.lineWith("ready")) GTEST_SKIP() << "setpriv cannot run the target as another user";
  auto process = Process::open(child.pid());
  LPC_ASSERT_OK(process);
  auto mappings = mappingsOf(child.pid());
  auto state = stateOf(child.pid());
  auto agent = startAgent(*process);
  ASSERT_FALSE(agent);
  EXPECT_EQ(agent.error().id, DiagnosticId::NoAgent);
  EXPECT_THAT(agent.error().message, testing::HasSubstr("Resource temporarily unavailable"));
  expectUnchanged(child.pid(), mappings, state);
  child.send("a\n");
  EXPECT_TRUE(child.lineWith("answer 2"));
}

TEST(Agent, RealTimeVictimAndPinning) {
  Busy busy({"0", "1"});
  auto tids = runtime::threadIds(busy.pid());
  LPC_ASSERT_OK(tids);
  for (pid_t tid : *tids) {
    sched_param priority{.sched_priority = 1};
    if (sched_setscheduler(tid, SCHED_FIFO, &priority) != 0) GTEST_SKIP() << "SCHED_FIFO is not permitted here";
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(tid, sizeof one, &one);
  }
  auto process = Process::open(busy.pid());
  LPC_ASSERT_OK(process);
  auto agent = startAgent(*process);
  LPC_ASSERT_OK(agent);
  LPC_EXPECT_OK(agent->call(SYS_getpid));
  cpu_set_t may;
  sched_getaffinity(agent->tid(), sizeof may, &may);
  cpu_set_t ours;
  sched_getaffinity(0, sizeof ours, &ours);
  EXPECT_GE(CPU_COUNT(&may), CPU_COUNT(&ours));
}

// What the agent opens is not the program's.
TEST(Agent, DescriptorsAreItsOwn) {
  Busy busy({"0", "1"});
  auto process = Process::open(busy.pid());
  LPC_ASSERT_OK(process);
  auto agent = startAgent(*process);
  LPC_ASSERT_OK(agent);
  auto before = stateOf(busy.pid()).descriptors;
  LPC_ASSERT_OK(process->write(agent->scratch(), BytesView(reinterpret_cast<const uint8_t *>("name"), 5)));
  auto file = agent->call(SYS_memfd_create, {agent->scratch().value, 0});
  LPC_ASSERT_OK(file);
  EXPECT_EQ(*file, 0) << "its table was not empty";
  EXPECT_EQ(stateOf(busy.pid()).descriptors, before);
  busy.child().send("a\n"); // which reads from 0 and writes to 1
  EXPECT_TRUE(busy.child().lineWith("answer 2"));
}

} // namespace
} // namespace lpc::test
