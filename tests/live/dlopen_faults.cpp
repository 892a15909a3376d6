// `dlopen` when things go wrong: constructors that do not come back, lpc killed at its system calls, and a program that
// hammers its allocator while objects come and go.
//
//     LPC_DLOPENS=1000 live_dlopen_faults --gtest_filter=*AThousandTimes      the long form
//     LPC_SWEEP=full live_dlopen_faults                                       killed at every single stop
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "runtime/leftovers.h"
#include "runtime/worker_memory.h"
#include "tests/live/dlopen.h"
#include "tests/support/traced_run.h"

namespace lpc::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

// One process bears all kills of a test, and its code is the same after each, what is behind it included.
class DlopenFaults : public Dlopen {
protected:
  void startAgain() {
    child_.emplace(std::vector<std::string>{folder_.path() + "/program", "2"});
    ASSERT_EQ(child_->line(), "ready");
    code_ = codeOf(child_->pid());
  }
  TracedRun traced(std::vector<std::string> words, int n, const std::function<void(pid_t)> &act = killIt) {
    words.insert(words.begin(), LPC_COMMAND);
    return runTraced(words, n, act);
  }
  void killedAt(const std::vector<std::string> &words, int n, bool applied);
  void killedEverywhere(bool applied);
  static int stepFor(int total, int kills) {
    const char *sweep = getenv("LPC_SWEEP");
    return sweep && std::string(sweep) == "full" ? 1 : std::max(total / kills, 1) | 1;
  }
  static int firstOf(int step) { return step == 1 ? 1 : 1 + getpid() % step; }
  // What of its code is not as before: nothing.
  [[nodiscard]] std::string changedCode() const {
    if (codeOf(child_->pid()) == code_) return {};
    std::string kinds = "its code is not the same";
    auto process = runtime::Process::open(child_->pid());
    auto maps = process ? runtime::readMaps(*process) : std::unexpected(process.error());
    if (maps)
      for (const runtime::Leftover &left : runtime::findLeftovers(*process, *maps))
        kinds += "; " + std::string(left.kind) + " at " + hexAddress(left.at);
    return kinds + "\n" + mapped();
  }
  enum class Constructor { Elsewhere, Running, Held };
  // Of own.so, while lpc stands.
  [[nodiscard]] Constructor constructorNow() const {
    namespace worker = runtime::worker;
    auto process = runtime::Process::open(child_->pid());
    auto maps = process ? runtime::readMaps(*process) : std::unexpected(process.error());
    if (!maps) return Constructor::Elsewhere;
    for (const runtime::Mapping &mapping : *maps) {
      if (!mapping.path.starts_with(worker::kMappingName) || mapping.offset != 0) continue;
      worker::WorkerJob job;
      worker::Held held;
      RemoteAddress at = mapping.range.begin;
      bool read = process->read(at, std::span(reinterpret_cast<uint8_t *>(&job), sizeof job)) &&
                  process->read(at + worker::kHeldAt, std::span(reinterpret_cast<uint8_t *>(&held), sizeof held));
      if (!read || !worker::textOf(*process, at).ends_with("/own.so")) continue;
      if (held.program == 0) return Constructor::Running;
      // As long as it stands in front of its signal, it gets it when lpc ends: proc_pid_stat(5), exit_code.
      std::string stat, task = "/proc/" + pid() + "/task/";
      task += std::to_string(runtime::threadInside(child_->pid(), static_cast<pid_t>(job.thread))) + "/stat";
      std::getline(std::ifstream(task) >> std::ws, stat);
      if (stat.ends_with(" " + std::to_string(SIGSEGV))) return Constructor::Running;
      if (held.holds != 0) return Constructor::Held;
    }
    return Constructor::Elsewhere;
  }

  std::string code_;
};

TEST_F(DlopenFaults, AConstructorCrashes) {
  start(2);
  object("__attribute__((constructor)) static void begin(void) { *(volatile int *)16 = 1; } int fix(int x) { return x "
         "+ 1; }");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("raised SIGSEGV at 0x"));
  EXPECT_THAT(done.err, HasSubstr("[call-failed]"));
  EXPECT_THAT(answer(), StartsWith("handle 0 limit 100 mixed 0"));
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

TEST_F(DlopenFaults, AConstructorDoesNotEnd) {
  start(2);
  object("__attribute__((constructor)) static void begin(void) { for (;;) __asm__ volatile(\"pause\"); } int fix(int "
         "x) { return x + 1; }");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n", {"--timeout", "500ms"});
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("did not return within 500 ms"));
  EXPECT_THAT(answer(), StartsWith("handle 0 limit 100 mixed 0"));
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

// After the kill the process runs on; the next command, and one revert more, leave it as it was before.
void DlopenFaults::killedAt(const std::vector<std::string> &words, int n, bool applied) {
  if (applied) {
    ASSERT_EQ(lpc({"apply", "fix.lp", "--pid", pid()}).status, 0);
  }
  TracedRun run = traced(words, n);
  EXPECT_FALSE(run.hung) << run.output;
  ASSERT_TRUE(child_->alive()) << run.output;
  EXPECT_THAT(answer("c"), AnyOf(StartsWith("handle 0 limit 100 mixed 0"), StartsWith("handle 1 limit 500 mixed 0"),
                                 StartsWith("handle 2 limit 500 mixed 0")));
  RunResult next = lpc({"apply", "fix.lp", "--pid", pid()});
  EXPECT_EQ(next.status, 0) << next.err;
  EXPECT_THAT(answer(), HasSubstr("limit 500 mixed 0"));
  RunResult last = revert();
  for (int i = 0; i < 20 && mapped().find("livepatch") != std::string::npos; i++)
    last = revert(); // memory that a word on a stack seemed to point into
  SCOPED_TRACE(next.out + next.err + last.out + last.err);
  EXPECT_THAT(answer(), StartsWith("handle 0 limit 100 mixed 0"));
  EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); })) << stateOf(child_->pid()).threads;
  EXPECT_THAT(mapped(), testing::Not(HasSubstr("livepatch")));
  EXPECT_THAT(mapped(), testing::Not(HasSubstr("own.so")));
  EXPECT_EQ(changedCode(), "");
  EXPECT_THAT(lpc({"status", "--pid", pid()}).out, HasSubstr("no patches"));
}

void DlopenFaults::killedEverywhere(bool applied) {
  start(2);
  code_ = codeOf(child_->pid());
  object(kOwnThreadLocals);
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  std::vector<std::string> words = {"apply", "fix.lp", "--pid", pid()};
  if (applied) words = {"revert", "fix", "--pid", pid()};
  if (applied) {
    ASSERT_EQ(lpc({"apply", "fix.lp", "--pid", pid()}).status, 0);
  }
  int total = traced(words, 0).stops;
  ASSERT_GT(total, 100);
  if (!applied) {
    ASSERT_EQ(revert().status, 0);
  }
  int kills = 0;
  for (int step = stepFor(total, 20), n = firstOf(step); n <= total && !HasFailure(); n += step, kills++) {
    SCOPED_TRACE("killed at stop " + std::to_string(n) + " of about " + std::to_string(total));
    killedAt(words, n, applied);
  }
  std::cout << kills << " kills at " << total << " stops\n";
}

TEST_F(DlopenFaults, LpcDiesInApply) { killedEverywhere(false); }
TEST_F(DlopenFaults, LpcDiesInRevert) { killedEverywhere(true); }

// From its call to the moment when it is led elsewhere than in front of its signal, the signal of a constructor is the
// process's. After that the worker holds, and the next command leads it out.
TEST_F(DlopenFaults, LpcDiesWhileAConstructorIsLeft) {
  start(2);
  code_ = codeOf(child_->pid());
  object(kOwnThreadLocals, "lib");
  std::string crash = "extern void say(const char *); int new_limit = 500;\n"
                      "__attribute__((constructor)) static void begin(void) { *(volatile int *)16 = 1; }\n"
                      "int fix(int x) { return x + 1; }";
  object(crash);
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  std::vector<std::string> words = {"apply", "fix.lp", "--pid", pid()};
  int total = traced(words, 0).stops, died = 0, kills = 0, held = 0;
  ASSERT_GT(total, 100);
  for (int step = stepFor(total, 40), n = firstOf(step); n <= total && !HasFailure(); n += step, kills++) {
    SCOPED_TRACE("killed at stop " + std::to_string(n) + " of about " + std::to_string(total));
    words[3] = pid();
    Constructor then = Constructor::Elsewhere;
    TracedRun run = traced(words, n, [&](pid_t command) {
      then = constructorNow();
      killIt(command);
    });
    EXPECT_FALSE(run.hung) << run.output;
    EXPECT_TRUE(run.acted || n > total / 2) << run.output;
    held += then == Constructor::Held;
    RunResult next;
    auto status = child_->wait(std::chrono::milliseconds(then == Constructor::Running ? 50 : 0));
    if (!status) next = lpc({"revert", "fix", "--pid", pid()}); // puts in order what was left
    bool inOrder = next.err.find("no patch named") != std::string::npos;
    if (!status && !inOrder) status = child_->wait(); // a process that is about to end takes its time
    if (status) {
      EXPECT_EQ(*status, 128 + SIGSEGV);
      EXPECT_EQ(then, Constructor::Running) << run.output;
      died++;
      startAgain();
      continue;
    }
    EXPECT_TRUE(inOrder) << next.status << next.out << next.err << run.output;
    EXPECT_EQ(answer("l " + folder_.path() + "/lib.so"), "loaded 1 closed 0");
    EXPECT_THAT(answer("c"), StartsWith("handle 0 limit 100 mixed 0"));
    EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); }));
    EXPECT_THAT(mapped(), testing::Not(HasSubstr("livepatch")));
  }
  ASSERT_EQ(apply("set limit int 7\n").status, 0); // a command that has work to do
  ASSERT_EQ(revert().status, 0);
  EXPECT_EQ(changedCode(), "");
  std::cout << kills << " kills at " << total << " stops" << "; " << died << " before the worker held, " << held
            << " while it did\n";
}

TEST_F(DlopenFaults, AThousandTimes) {
  start(4);
  object(kOwnThreadLocals);
  const char *wanted = getenv("LPC_DLOPENS");
  int times = wanted ? atoi(wanted) : 30;
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  for (int i = 0; i < times; i++) {
    SCOPED_TRACE("time " + std::to_string(i));
    RunResult done = lpc({"apply", "fix.lp", "--pid", pid(), "--timeout", "30s", "--max-pause", "1s"});
    ASSERT_EQ(done.status, 0) << done.err;
    ASSERT_EQ(answer("c"), "handle 1 limit 500 mixed 0 said ");
    done = revert("fix", {"--timeout", "30s", "--max-pause", "1s"});
    ASSERT_EQ(done.status, 0) << done.err;
    ASSERT_EQ(answer(), "handle 0 limit 100 mixed 0 said end ");
  }
  for (int i = 0; i < 20 && mapped().find("livepatch") != std::string::npos; i++)
    (void)revert();
  expectAsBefore();
}

} // namespace
} // namespace lpc::test
