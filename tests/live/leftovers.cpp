// What a killed lpc has left in a process, such as its code in the padding, is taken away by the next one, and nothing
// that is somebody else's, or that a thread may come back to.
#include <sys/syscall.h>

#include <optional>
#include <set>

#include "runtime/arch/x86_64_stub.h"
#include "runtime/leftovers.h"
#include "runtime/padding.h"
#include "runtime/thread_wait.h"
#include "runtime/worker_memory.h"
#include "tests/live/service.h"
#include "tests/live/unharmed.h"
#include "tests/support/traced_run.h"

namespace lpc::test {
namespace {

using runtime::Leftover;
using testing::AnyOf;
using testing::HasSubstr;

// One thread runs all the time, one sleeps. `k` keeps an address on the stack of the main thread, `c` calls one on a
// thread of its own, whose handlers of signals (one of them on a stack of its own) return after `g`, `w` makes memory
// as a worker has it before it is born. The bytes of a stub stand in the program's own code, too.
constexpr const char *kProgram = R"(
  #define _GNU_SOURCE
  #include <pthread.h>
  #include <signal.h>
  #include <stdint.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/mman.h>
  #include <unistd.h>
  __asm__(".pushsection .text; .balign 16; .byte " COPY "; .popsection");
  int limit = 100;
  volatile long rounds;
  static void *work(void *unused) { for (;;) rounds++; return unused; }
  static void *rest(void *unused) { for (;;) pause(); return unused; }
  static volatile int go;
  static void handle(int number) { (void)number; while (!go) usleep(1000); }
  static void *call(void *address) {
    stack_t alternative = {.ss_sp = malloc(65536), .ss_size = 65536};
    sigaltstack(&alternative, NULL);
    ((void (*)(void))address)();
    return NULL;
  }
  static __attribute__((noinline)) void *unborn(void) {
    int file = memfd_create("livepatch-worker", 0);
    if (ftruncate(file, SIZE) != 0) return NULL;
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    *(uint64_t *)(memory + LAUNCHED) = 1;
    close(file);
    return memory;
  }
  static void wipe(void) { volatile char stack[16384]; for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0; }
  int main(void) {
    void *volatile kept = NULL;
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_create(&thread, NULL, rest, NULL);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle}, NULL);
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_ONSTACK}, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) {
      void *address = (void *)strtoul(line + 1, NULL, 16);
      if (line[0] == 'k') kept = address;
      if (line[0] == 'g') go = 1;
      if (line[0] == 'w') kept = unborn();
      if (line[0] == 'c') pthread_create(&thread, NULL, call, address);
      memset(line, 0, sizeof line), address = NULL;
      long before = rounds;
      while (rounds == before) usleep(100);
      printf("limit %d kept %d\n", limit, kept != NULL);
      wipe();
    }
    return 0;
  })";

class Leftovers : public testing::Test {
protected:
  void SetUp() override {
    std::string copy;
    for (uint8_t byte : runtime::x86_64::borrowStub({}, 0).code)
      copy += (copy.empty() ? "" : ",") + std::to_string(byte);
    folder_.write("main.c", kProgram);
    RunResult built = run({"gcc", "-O2", "-g", "-pthread", "-DCOPY=\"" + copy + "\"",
                           "-DSIZE=" + std::to_string(runtime::worker::kWorkerSize),
                           "-DLAUNCHED=" + std::to_string(offsetof(runtime::worker::WorkerJob, launched)), "-o",
                           "program", "main.c"});
    ASSERT_EQ(built.status, 0) << built.err;
    folder_.write("fix.lp", "target program\nset limit int 7\n");
    child_.emplace(std::vector<std::string>{folder_.path() + "/program"});
    ASSERT_EQ(child_->line(), "ready");
    process_.emplace(runtime::Process::open(child_->pid()).value());
    before_ = stateOf(child_->pid());
    code_ = codeOf(child_->pid());
  }
  [[nodiscard]] std::string pid() const { return std::to_string(child_->pid()); }
  std::string answer(const std::string &question = "?") {
    child_->send(question + "\n");
    return child_->line().value_or("(no answer)");
  }
  [[nodiscard]] std::vector<std::string> applying() const { return {LPC_COMMAND, "apply", "fix.lp", "--pid", pid()}; }
  void applyAndRevert() {
    RunResult done = lpc({"apply", "fix.lp", "--pid", pid()});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_THAT(answer(), HasSubstr("limit 7 "));
    done = lpc({"revert", "fix", "--pid", pid()});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_THAT(answer(), HasSubstr("limit 100 "));
  }
  [[nodiscard]] std::vector<runtime::Mapping> maps() const { return runtime::readMaps(*process_).value(); }
  [[nodiscard]] std::vector<Leftover> left() const { return runtime::findLeftovers(*process_, maps()); }
  [[nodiscard]] bool stubIsThere() const {
    return std::ranges::any_of(left(), [](const Leftover &one) { return one.kind.find("stub") != one.kind.npos; });
  }
  // The first stop of a command, from `n` on, at which its stub stands in the process, which then is killed; 0: none.
  int firstStopWithStub(int n, int step) {
    for (int total = n; n <= total; n += step) {
      TracedRun run = runTraced(applying(), n, killIt);
      total = run.acted ? n + step : n;
      if (stubIsThere()) return n;
      applyAndRevert();
    }
    return 0;
  }
  // The last places of the first padding, which lpc itself does not come to.
  [[nodiscard]] RemoteAddress place(size_t number = 0) const {
    constexpr uint64_t kEach = 256;
    RemoteRange padding = runtime::findPadding(*process_, maps()).at(0);
    const uint64_t first = runtime::firstPlace(padding), count = (padding.size() - first) / kEach;
    EXPECT_GT(count, number + 4) << "too little room for this test";
    return padding.begin + (first + (count - 1 - number) * kEach);
  }

  [[nodiscard]] std::optional<RemoteAddress> workerMemory() const {
    for (const runtime::Mapping &mapping : maps())
      if (mapping.path.starts_with(runtime::worker::kMappingName)) return mapping.range.begin;
    return std::nullopt;
  }

  WorkFolder folder_;
  std::optional<Child> child_;
  std::optional<Process> process_;
  ProcessState before_;
  std::string code_;
};

TEST_F(Leftovers, TwoHundredKillsInTheMiddleOfABorrow) {
  int n = firstStopWithStub(1, 8), kills = 0;
  ASSERT_GT(n, 0);
  // What is erased before moves the moment by some calls.
  for (int tries = 0, offset = 0; kills < 200 && tries < 2000 && !HasFailure(); tries++) {
    TracedRun run = runTraced(applying(), n + offset, killIt);
    ASSERT_FALSE(run.hung) << run.output;
    ASSERT_TRUE(child_->alive());
    if (stubIsThere()) {
      kills++;
      continue;
    }
    offset = (offset + 3) % 90;
    (void)lpc({"revert", "fix", "--pid", pid()}); // that came too late
  }
  EXPECT_EQ(kills, 200);
  applyAndRevert();
  EXPECT_TRUE(codeOf(child_->pid()) == code_);
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

TEST_F(Leftovers, KilledAnywhere) {
  int total = runTraced(applying(), 0, killIt).stops, step = std::max(total / 60, 1) | 1;
  ASSERT_EQ(lpc({"revert", "fix", "--pid", pid()}).status, 0);
  std::set<std::string_view> kinds;
  for (int n = 1 + getpid() % step; n <= total && !HasFailure(); n += step) {
    SCOPED_TRACE("killed at stop " + std::to_string(n) + " of about " + std::to_string(total));
    (void)runTraced(applying(), n, killIt);
    for (const Leftover &one : left())
      kinds.insert(one.kind);
    (void)lpc({"revert", "fix", "--pid", pid()}); // of one that was killed at its end
    applyAndRevert();
    EXPECT_TRUE(codeOf(child_->pid()) == code_);
    EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); }));
  }
  EXPECT_GE(kinds.size(), 1U);
}

// The program may have put there what it wants.
TEST_F(Leftovers, BytesThatOnlyLookLikeIt) {
  const Bytes stub = runtime::x86_64::borrowStub({}, 0).code;
  Bytes first = stub, last = stub, half = stub, one = runtime::x86_64::agentProgram().code;
  first.front() ^= 1, last[last.size() - 25] ^= 1; // in front of the words at its end
  half.resize(stub.size() / 2);
  one[one.size() / 2] ^= 0x80;
  size_t number = 0;
  for (const Bytes &bytes : {first, last, half, one})
    LPC_ASSERT_OK(process_->write(place(number++), bytes));
  LPC_ASSERT_OK(process_->write(place(number++) + 8, stub)); // not where lpc puts it
  EXPECT_TRUE(left().empty());
  const std::string mixed = codeOf(child_->pid());
  ASSERT_FALSE(mixed == code_);
  applyAndRevert();
  EXPECT_TRUE(codeOf(child_->pid()) == mixed);
}

TEST_F(Leftovers, AnAddressOnAStackKeepsIt) {
  const Bytes stub = runtime::x86_64::borrowStub({}, 42).code;
  const RemoteAddress at = place();
  LPC_ASSERT_OK(process_->write(at, stub));
  EXPECT_EQ(answer("k " + hexAddress(at + stub.size() / 2)), "limit 100 kept 1");
  applyAndRevert();
  EXPECT_EQ(process_->read(at, stub.size()).value(), stub) << "a signal may have called a thread away from there";
  EXPECT_EQ(answer("k 0"), "limit 100 kept 0");
  applyAndRevert();
  EXPECT_TRUE(codeOf(child_->pid()) == code_);
}

TEST_F(Leftovers, AThreadInsideKeepsIt) {
  const runtime::x86_64::WorkerProgram &program = runtime::x86_64::workerProgram();
  const Bytes stub = runtime::x86_64::borrowStub({}, 42).code;
  const RemoteAddress at = place(), other = place(1);
  LPC_ASSERT_OK(process_->write(at, program.code));
  LPC_ASSERT_OK(process_->write(other, stub));
  answer("c " + hexAddress(at + program.hold)); // sleeps there, and never returns
  applyAndRevert();
  EXPECT_EQ(process_->read(at, program.code.size()).value(), program.code);
  EXPECT_EQ(process_->read(other, stub.size()).value(), Bytes(stub.size())) << "nobody is in the other one";
  EXPECT_THAT(answer(), HasSubstr("limit 100"));
}

// Its way back is in the frame of a signal.
class CalledAway : public Leftovers, public testing::WithParamInterface<int> {};

TEST_P(CalledAway, KeepsIt) {
  const runtime::x86_64::WorkerProgram &program = runtime::x86_64::workerProgram();
  const RemoteAddress at = place();
  LPC_ASSERT_OK(process_->write(at, program.code));
  answer("c " + hexAddress(at + program.hold));
  const pid_t tid = std::ranges::max(runtime::threadIds(child_->pid()).value());
  auto call = [&] { return runtime::blockedCall(child_->pid(), tid); };
  const RemoteRange range{at, at + program.code.size()};
  ASSERT_TRUE(eventually([&] { return range.contains(call().programCounter); }));
  ASSERT_EQ(syscall(SYS_tgkill, child_->pid(), tid, GetParam()), 0);
  ASSERT_TRUE(eventually([&] { return call().number == SYS_clock_nanosleep; }));
  applyAndRevert();
  EXPECT_EQ(process_->read(at, program.code.size()).value(), program.code);
  answer("g");
  EXPECT_TRUE(eventually([&] { return range.contains(call().programCounter); }));
  EXPECT_THAT(answer(), HasSubstr("limit 100"));
}

INSTANTIATE_TEST_SUITE_P(Live, CalledAway, testing::Values(SIGUSR1, SIGUSR2),
                         [](const auto &test) { return test.param == SIGUSR1 ? "OnItsStack" : "OnAnotherStack"; });

TEST_F(Leftovers, TheMemoryOfAWorkerThatIsNotBorn) {
  EXPECT_EQ(answer("w"), "limit 100 kept 1");
  EXPECT_TRUE(workerMemory());
  applyAndRevert();
  EXPECT_TRUE(workerMemory()) << "who makes it has its address";
  auto kept = process_->readWord(workerMemory().value() + offsetof(runtime::worker::WorkerJob, keep));
  EXPECT_EQ(kept.value(), runtime::x86_64::kUnborn);
  EXPECT_EQ(answer("k 0"), "limit 100 kept 0");
  applyAndRevert();
  EXPECT_FALSE(workerMemory());
}

// It was late, and has come and gone since.
TEST_F(Leftovers, TheMemoryOfAWorkerThatWasWaitedFor) {
  EXPECT_EQ(answer("w"), "limit 100 kept 1");
  applyAndRevert();
  Bytes number;
  appendLittle(number, INT32_MAX, 8);
  LPC_ASSERT_OK(process_->write(workerMemory().value() + offsetof(runtime::worker::WorkerJob, thread), number));
  applyAndRevert();
  EXPECT_FALSE(workerMemory()) << "whoever has its address";
}

// In the middle of a borrow of another lpc, which goes on afterwards.
class TwoOfThem : public Leftovers {
protected:
  void workMeanwhile(const std::vector<std::string> &words, const testing::Matcher<std::string> &message) {
    int n = firstStopWithStub(1, 8), seen = 0;
    ASSERT_GT(n, 0);
    applyAndRevert();
    for (int last = n + 40; n < last && !HasFailure(); n += 4) {
      SCOPED_TRACE("at stop " + std::to_string(n));
      RunResult other;
      std::vector<Leftover> before, after;
      TracedRun done = runTraced(applying(), n, [&](pid_t) {
        before = left();
        other = run(words);
        after = left();
      });
      seen += before.size() > 1; // program and stub
      EXPECT_GE(after.size(), before.size());
      EXPECT_EQ(other.status, 3) << other.out;
      EXPECT_THAT(other.err, message);
      EXPECT_EQ(done.status, 0) << done.output;
      EXPECT_THAT(answer(), HasSubstr("limit 7 "));
      EXPECT_EQ(lpc({"revert", "fix", "--pid", pid()}).status, 0);
      applyAndRevert();
      EXPECT_TRUE(codeOf(child_->pid()) == code_);
    }
    EXPECT_GT(seen, 0);
  }
};

TEST_F(TwoOfThem, TheSecondOneWaitsForTheLock) {
  folder_.write("other.lp", "target program\nset limit int 9\n");
  workMeanwhile({LPC_COMMAND, "apply", "other.lp", "--pid", pid(), "--timeout", "20ms"}, HasSubstr("[already-traced]"));
}

TEST_F(TwoOfThem, TheSecondOneSeesNoLock) {
  if (geteuid() != 0) GTEST_SKIP() << "only root makes mount namespaces";
  folder_.write("other.lp", "target program\nset limit int 9\n");
  workMeanwhile({"unshare", "-m", "sh", "-c",
                 std::string("mount -t proc proc /proc && exec ") + LPC_COMMAND +
                     " apply other.lp --stop always --pid " + pid() + " --timeout 50ms"},
                AnyOf(HasSubstr("[already-traced]"), HasSubstr("[cannot-stop]"), HasSubstr("[no-agent]")));
}

} // namespace
} // namespace lpc::test
