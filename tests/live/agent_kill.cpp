// lpc is killed at every system call of its life with an agent, and the process must not notice.
//
// The driver is a fork of the test that does what lpc does, from the first look at the process to the end of the agent.
// It is traced, and SIGKILL comes at its n-th stop (entry or exit of a call), for every n up to its natural end.
// LPC_KILL_STEP=1 takes every n; the default takes about kKills of them, other ones in each run.
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "tests/live/agent_support.h"

namespace lpc::test {
namespace {

using runtime::PlayedWrite;

constexpr int kKills = 120, kKillsPerTarget = 20;
constexpr uint64_t kOldWord = 0x1111111111111111, kNewWord = 0x2222222222222222, kBegun = 4, kDone = 5;
const Bytes kReturn42 = {0xb8, 42, 0, 0, 0, 0xc3, 0x90, 0x90}; // mov eax, 42; ret

Bytes word(uint64_t value) {
  Bytes bytes;
  appendLittle(bytes, value, 8);
  return bytes;
}

// Who writes: the player, or lpc while the player stands by.
enum class Writer { Player, Lpc };

// The life of lpc, as short as it can be. The status says what failed.
int drive(pid_t pid, std::vector<PlayedWrite> writes, RemoteAddress mark, Writer writer = Writer::Player) {
  auto process = Process::open(pid);
  if (!process) return 10;
  auto agent = startAgent(*process, 20s);
  if (!agent) return 11;
  if (!agent->call(SYS_getpid)) return 12;
  if (!process->write(agent->scratch(), asBytes("name"))) return 13;
  if (writer == Writer::Lpc) {
    writes.insert(writes.begin(), {mark, word(kBegun)});
    if (!agent->stage(writes, mark, kDone, kBegun)) return 14;
    if (!agent->commit(writes, in(20s))) return 15;
    if (!agent->standDown()) return 17;
  } else {
    if (!agent->stage(writes, mark, kDone)) return 14;
    if (!agent->play(in(20s))) return 15;
  }
  if (!agent->call(SYS_gettid)) return 16;
  return 0;
}

// Runs `body` in a child that is killed at its `n`-th stop: the number of stops it took to the end, -1 when it was
// killed. Its own status goes to `status`.
int runUntil(int n, const std::function<int()> &body, int &status) {
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    _exit(body());
  }
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
  alarm(60); // if it hangs the test ends, and the child with it
  int stops = 0;
  for (long signal = 0; ptrace(PTRACE_SYSCALL, child, nullptr, signal) == 0;) {
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) break;
    bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
    signal = call ? 0 : WSTOPSIG(status);
    if (call && ++stops == n) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      alarm(0);
      return -1;
    }
  }
  alarm(0);
  return stops;
}

// Nobody of ours is left in the process, and nobody of its own stands still.
bool isItself(pid_t pid, const ProcessState &state, const std::vector<std::string> &mappings) {
  auto tids = runtime::threadIds(pid);
  if (!tids || tids->size() != state.threads) return false;
  for (pid_t tid : *tids) {
    char letter = runtime::threadState(pid, tid);
    if (letter != 'S' && letter != 'R') return false;
  }
  return stateOf(pid) == state && mappingsOf(pid) == mappings;
}

class AgentKill : public testing::Test {
protected:
  // `code`: a function may be replaced, nobody is in it.
  void sweep(const std::vector<std::string> &arguments, bool code, Writer writer = Writer::Player);
  void expectUndisturbed(Busy &busy, bool code, int n);

  int played_ = 0, notPlayed_ = 0;
};

void AgentKill::expectUndisturbed(Busy &busy, bool code, int n) {
  // Played wholly or not at all. (Reading waits for nobody: the last of the three is the last to be written.)
  auto process = Process::open(busy.pid());
  LPC_ASSERT_OK(process);
  uint64_t found = process->readWord(busy.word()).value(), mark = process->readWord(busy.mark()).value();
  Bytes bytes = process->read(busy.answer(), 8).value();
  bool done = mark == kDone;
  (done ? played_ : notPlayed_)++;
  EXPECT_EQ(mark, done ? kDone : 0) << "killed at stop " << n;
  EXPECT_EQ(found, done ? kNewWord : kOldWord) << "killed at stop " << n;
  if (code) {
    EXPECT_EQ(bytes == kReturn42, done) << "killed at stop " << n;
  }
}

void AgentKill::sweep(const std::vector<std::string> &arguments, bool code, Writer writer) {
  std::optional<Busy> busy;
  Bytes oldCode;
  std::vector<PlayedWrite> writes;
  ProcessState state;
  std::vector<std::string> mappings;
  auto freshTarget = [&] {
    busy.reset();
    busy.emplace(arguments);
    ASSERT_TRUE(eventually([&] { return mappingsOf(busy->pid()) == mappingsOf(busy->pid()); }));
    auto process = Process::open(busy->pid());
    LPC_ASSERT_OK(process);
    oldCode = process->read(busy->answer(), 8).value();
    writes = {{busy->word(), word(kNewWord)}};
    if (code) writes.push_back({busy->answer(), kReturn42});
    state = stateOf(busy->pid());
    mappings = mappingsOf(busy->pid());
  };
  auto putBack = [&] {
    auto process = Process::open(busy->pid());
    LPC_ASSERT_OK(process);
    LPC_EXPECT_OK(process->write(busy->word(), word(kOldWord)));
    LPC_EXPECT_OK(process->write(busy->mark(), word(0)));
    if (code) {
      LPC_EXPECT_OK(process->write(busy->answer(), oldCode));
    }
  };
  auto body = [&] { return drive(busy->pid(), writes, busy->mark(), writer); };

  freshTarget();
  int status = 0;
  int total = runUntil(-1, body, status);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the driver fails by itself: " << status;
  putBack();
  const char *wanted = getenv("LPC_KILL_STEP");
  int step = wanted ? std::max(atoi(wanted), 1) : std::max(total / kKills, 1);
  int first = wanted ? 1 : 1 + static_cast<int>(static_cast<unsigned>(getpid()) % static_cast<unsigned>(step));
  int kills = 0;
  for (int n = first; !HasFailure(); n += step) {
    if (kills++ % kKillsPerTarget == 0) freshTarget(); // each may use up some of the padding
    bool ended = runUntil(n, body, status) >= 0;
    if (ended) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
    }
    EXPECT_TRUE(eventually([&] { return isItself(busy->pid(), state, mappings); }))
        << "killed at stop " << n << " of about " << total << ": states " << statesOf(busy->pid()) << ", "
        << testing::PrintToString(stateOf(busy->pid())) << " instead of " << testing::PrintToString(state);
    ASSERT_TRUE(busy->child().alive()) << "killed at stop " << n;
    expectUndisturbed(*busy, code, n);
    if (arguments[0] == "-1") {
      EXPECT_TRUE(busy->child().lineWith("tick 2")) << "killed at stop " << n;
    } else {
      EXPECT_TRUE(busy->allProgress()) << "killed at stop " << n;
    }
    if (ended) break;
    putBack();
    // The next lpc finds a process that it can work with.
    auto process = Process::open(busy->pid());
    LPC_ASSERT_OK(process);
    auto next = startAgent(*process);
    LPC_ASSERT_OK(next);
    LPC_EXPECT_OK(next->call(SYS_getpid));
  }
  RecordProperty("stops", total);
  RecordProperty("kills", kills);
  RecordProperty("played", played_);
  std::printf("%d kills at %d stops: %d times played, %d times not\n", kills, total, played_, notPlayed_);
  EXPECT_GT(played_, 0);
  EXPECT_GT(notPlayed_, 0);
}

TEST_F(AgentKill, AtEverySystemCall) { sweep({"1", "1", "1", "500"}, true); }

TEST_F(AgentKill, AtEverySystemCallWhileThePlayerStandsBy) { sweep({"1", "1", "1", "500"}, true, Writer::Lpc); }

TEST_F(AgentKill, AtEverySystemCallWithARunningVictim) { sweep({"-1"}, false); }

// Not at a system call, but at any moment: between two instructions, inside a call, and with the process at full speed.
TEST_F(AgentKill, AtAnyMoment) {
  Busy busy({"1", "1", "1", "500"});
  auto state = stateOf(busy.pid());
  auto mappings = mappingsOf(busy.pid());
  const char *wanted = getenv("LPC_RANDOM_KILLS");
  int kills = wanted ? atoi(wanted) : 60, early = 0;
  for (int i = 0; i < kills && !HasFailure(); i++) {
    pid_t driver = fork();
    if (driver == 0) _exit(drive(busy.pid(), {{busy.word(), word(kOldWord)}}, busy.mark()));
    auto moment = in(0ms) + std::chrono::microseconds(i * 3000 / kills); // most of a life
    while (Clock::now() < moment) {
    }
    kill(driver, SIGKILL);
    int status = 0;
    waitpid(driver, &status, 0);
    early += WIFSIGNALED(status);
    EXPECT_TRUE(eventually([&] { return isItself(busy.pid(), state, mappings); }))
        << "killed after " << i * 3000 / kills << " us: " << statesOf(busy.pid()) << ", "
        << testing::PrintToString(stateOf(busy.pid()));
    ASSERT_TRUE(busy.child().alive());
    EXPECT_TRUE(busy.allProgress());
  }
  EXPECT_GT(early, 0) << "the driver was always faster";
}

} // namespace
} // namespace lpc::test
