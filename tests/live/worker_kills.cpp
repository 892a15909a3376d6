// lpc is killed while a function that it called is at work in the process: the function comes to its end as the
// program's own code would, nobody is left stopped, and the next command puts in order what was left.
#include "tests/live/linkage.h"
#include "tests/live/unharmed.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

// `linger` returns when it is told to.
constexpr const char *kProgram = R"(
  #include <pthread.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <time.h>
  static volatile int entered, go, ended, more;
  __attribute__((noinline)) int linger(int x) {
    struct timespec moment = {0, 1000000};
    entered++;
    while (!go) nanosleep(&moment, NULL);
    return x;
  }
  __attribute__((noinline)) int finished(int x) { ended += x; return 0; }
  __attribute__((noinline)) int handle(int x) { return x + 1; }
  int (*volatile callee)(int) = handle;
  static void *wait_for_the_end(void *unused) {
    struct timespec moment = {0, 1000000};
    while (!more) nanosleep(&moment, NULL);
    return unused;
  }
  int main(int argc, char **argv) {
    pthread_t thread;
    for (int i = 1; i < atoi(argv[argc - 1]); i++) pthread_create(&thread, NULL, wait_for_the_end, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) {
      if (line[0] == 'g') go = 1;
      if (line[0] == 's') go = 0, entered = 0;
      printf("handle %d entered %d ended %d\n", callee(1), entered, ended);
    }
    return 0;
  })";
constexpr const char *kPayload = R"(
  int linger(int), finished(int);
  static int base;
  __attribute__((constructor)) static void begin(void) { base = 40; CONSTRUCTOR; }
  __attribute__((destructor)) static void end(void) { finished(1); DESTRUCTOR; }
  int fix(int x) { return x + base; })";

struct Moment {
  std::string name, constructor, destructor, statements;
  bool reverting = false;
  bool applied = false; // when lpc is killed, the patch is on
  int ended = 0;        // what the destructor has said by the time of the next command
};
void PrintTo(const Moment &moment, std::ostream *out) { *out << moment.name; }

class WorkerKills : public Linkage, public testing::WithParamInterface<std::tuple<Moment, int>> {
protected:
  std::string answer(const std::string &question = "?") {
    child_->send(question + "\n");
    return child_->line().value_or("(no answer)");
  }
  // Threads and descriptors are those of before, and no memory is ours; the C library may have made some.
  void expectNothingLeft(const ProcessState &before) {
    EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before); })) << stateOf(child_->pid()).threads;
    for (const std::string &line : mappingsOf(child_->pid()))
      EXPECT_THAT(line, testing::Not(HasSubstr("livepatch")));
  }
  bool isInside() {
    return eventually([&] { return answer().find("entered 1") != std::string::npos; });
  }
};

TEST_P(WorkerKills, TheFunctionComesToItsEnd) {
  const auto &[moment, threads] = GetParam();
  folder_.write("program.c", kProgram);
  folder_.write("payload.c", kPayload);
  ASSERT_TRUE(compile({"gcc", "-O2", "-pthread", "-o", "program", "program.c"})) << why_;
  ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-DCONSTRUCTOR=" + moment.constructor,
                       "-DDESTRUCTOR=" + moment.destructor, "-o", "payload.so", "payload.c"}))
      << why_;
  folder_.write("fix.lp", "target program\ndl p payload.so\njmp handle $p:fix\n" + moment.statements);
  start({"./program", std::to_string(threads)});
  ASSERT_EQ(answer(), "handle 2 entered 0 ended 0");
  ProcessState before = stateOf(child_->pid());

  if (moment.reverting) {
    RunResult done = apply();
    ASSERT_EQ(done.status, 0) << done.err;
  }
  std::vector<std::string> words{LPC_COMMAND, "apply", "fix.lp", "--pid", pid(), "--timeout", "30s"};
  if (moment.reverting) words[1] = "revert", words[2] = "fix";
  Child command(words);
  ASSERT_TRUE(isInside());
  command.signal(SIGKILL);
  ASSERT_EQ(command.wait(), 128 + SIGKILL);

  // The program runs, with one thread more: the one that is at work.
  ProcessState atWork = before;
  atWork.threads++;
  EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), atWork); })) << stateOf(child_->pid()).threads;
  EXPECT_EQ(answer().substr(0, 10), moment.applied ? "handle 41 " : "handle 2 e");
  RunResult done = lpc({"revert", "fix", "--pid", pid(), "--timeout", "100ms"});
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("is at work on a function that an earlier lpc called"));
  EXPECT_THAT(done.err, HasSubstr("[call-running]"));
  EXPECT_THAT(done.err, HasSubstr("[call-running]"));

  answer("g");
  EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before); })) << stateOf(child_->pid()).threads;
  done = lpc({"revert", "fix", "--pid", pid()}); // takes back what is on, or puts in order what was left
  EXPECT_EQ(done.status, moment.applied ? 0 : 3) << done.err;
  EXPECT_EQ(answer(), "handle 2 entered " + std::to_string(moment.reverting && moment.applied ? 2 : 1) + " ended " +
                          std::to_string(moment.ended));
  expectNothingLeft(before);

  done = apply();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 41 "));
  EXPECT_EQ(revert().status, 0);
  expectNothingLeft(before);
}

INSTANTIATE_TEST_SUITE_P(
    Live, WorkerKills,
    testing::Combine(testing::Values(Moment{"Constructor", "linger(1)", "", "", false, false, 1},
                                     Moment{"PreApply", "", "", "on pre-apply call linger 0\n", false, false, 1},
                                     Moment{"PostApply", "", "", "on post-apply call linger 0\n", false, true, 1},
                                     Moment{"PreRevert", "", "", "on pre-revert call linger 0\n", true, true, 1},
                                     Moment{"PostRevert", "", "", "on post-revert call linger 0\n", true, false, 1},
                                     Moment{"Destructor", "", "linger(1)", "", true, false, 1}),
                     testing::Values(1, 8)),
    [](const auto &test) {
      return std::get<0>(test.param).name + (std::get<1>(test.param) == 1 ? "Alone" : "Among8Threads");
    });

} // namespace
} // namespace lpc::test
