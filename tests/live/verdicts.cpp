// What `lpc plan` says of each thread, without stopping any: who is in the function that is to be replaced, who is not,
// who runs.
#include "tests/live/linkage.h"
#include "tests/live/stop_support.h"

namespace lpc::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// A thread for each way to be, named after it. `blind` is in a file without unwind information; who is in a signal
// handler on an alternate stack has frames on its own, too.
constexpr const char *kThreads = R"(
  #define _GNU_SOURCE
  #include <pthread.h>
  #include <signal.h>
  #include <stdio.h>
  #include <string.h>
  #include <sys/prctl.h>
  #include <sys/syscall.h>
  #include <unistd.h>
  void blind(void);
  static __thread const char *self;
  static int is(const char *name) { return strcmp(self, name) == 0; }
  static void handler(int signal) { (void)signal; pause(); }
  __attribute__((noinline)) int deeper(int x) { volatile int y = x; pause(); return y + 1; }
  __attribute__((noinline)) int handle(int x) {
    volatile int y = x;
    long call = SYS_pause;
    if (is("executes")) __asm__ volatile("syscall" : "+a"(call) : : "rcx", "r11", "memory");
    if (is("calls")) y = deeper(y);
    if (is("blind")) blind();
    if (is("signalled")) pthread_kill(pthread_self(), SIGUSR1);
    return y;
  }
  static volatile int turns;
  static void *body(void *name) {
    static char stack[65536];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    prctl(PR_SET_NAME, self = name);
    if (is("signalled")) sigaltstack(&other, NULL);
    if (!is("elsewhere") && !is("spins")) handle(1);
    while (is("spins")) turns++;
    return pause() ? NULL : name;
  }
  int main(void) {
    static const char *const names[] = {"executes", "calls", "blind", "signalled", "left", "elsewhere", "spins"};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    pthread_t thread;
    for (int i = 0; i < 7; i++) pthread_create(&thread, NULL, body, (void *)names[i]);
    puts("ready");
    fflush(stdout);
    return pause();
  })";
constexpr const char *kBlind = R"(
  #include <unistd.h>
  __attribute__((noinline)) void blind(void) { volatile int y = pause(); y++; })";

class Verdicts : public Linkage {
protected:
  void SetUp() override {
    folder_.write("program.c", kThreads);
    folder_.write("blind.c", kBlind);
    folder_.write("payload.c", "int fix(int x) { return x + 1; }");
    folder_.write("fix.lp", "target program\ndl p payload.so\njmp handle $p:fix\n");
    ASSERT_TRUE(compile({"gcc", "-O2", "-fno-asynchronous-unwind-tables", "-c", "-o", "blind.o", "blind.c"})) << why_;
    ASSERT_TRUE(compile({"gcc", "-O2", "-pthread", "-o", "program", "program.c", "blind.o"})) << why_;
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-o", "payload.so", "payload.c"})) << why_;
    start({"./program"});
    before_ = stateOf(child_->pid());
  }
  // Looks until all threads but the one that spins have fallen asleep.
  std::string plan(const std::string &patch, const std::string &running, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"plan", patch, "--pid", pid()});
    RunResult done;
    (void)eventually([&] {
      done = lpc(options);
      size_t first = done.out.find(running);
      return first != std::string::npos && first == done.out.rfind(running);
    });
    EXPECT_EQ(done.status, 0) << done.err;
    return done.out;
  }
  ProcessState before_;
};

TEST_F(Verdicts, OfEachThread) {
  EXPECT_THAT(plan("fix.lp", "): running\n"),
              AllOf(HasSubstr("\nthreads now:\n  " + pid() + " (program): free\n"),
                    HasSubstr(" (executes): active in `handle`, executing it\n"),
                    HasSubstr(" (calls): active in `handle`, 2 calls deep\n"),
                    ContainsRegex(" \\(blind\\): maybe-active in `handle`, [0-9] calls? deep\n"),
                    ContainsRegex(" \\(signalled\\): active in `handle`, [0-9] calls deep\n"),
                    HasSubstr(" (left): free\n"), HasSubstr(" (elsewhere): free\n"), HasSubstr(" (spins): running\n")));
  EXPECT_EQ(stateOf(child_->pid()), before_);
}

TEST_F(Verdicts, AsADocument) {
  std::string document = plan("fix.lp", R"("running")", {"--format=json"});
  std::erase_if(document, [](char c) { return c == ' ' || c == '\n'; });
  EXPECT_THAT(document, AllOf(HasSubstr(R"("name":"executes","verdict":"active","function":"handle","frame":0})"),
                              HasSubstr(R"("name":"calls","verdict":"active","function":"handle","frame":2})"),
                              HasSubstr(R"("name":"blind","verdict":"maybe-active","function":"handle","frame":)"),
                              HasSubstr(R"("name":"left","verdict":"free","function":null,"frame":null})"),
                              HasSubstr(R"("name":"spins","verdict":"running","function":null,"frame":null})")));
}

// A dry run stops and verifies: it is refused where applying would be. Where not, only the switch is missing.
TEST_F(Verdicts, ADryRunDoesAllButTheSwitch) {
  std::string planned = plan("fix.lp", "): running\n");
  RunResult done = apply({"--dry-run", "--timeout", "200ms"});
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("[process-busy]"));
  EXPECT_EQ(stateOf(child_->pid()), before_);
  done = apply({"--dry-run", "--allow-active", "handle", "--timeout", "20s", "--format=json"});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr(R"("result": "dry-run")"), ContainsRegex(R"("stops": [1-9])")));
  EXPECT_EQ(stateOf(child_->pid()), before_);
  EXPECT_EQ(plan("fix.lp", "): running\n"), planned); // the same bytes stand there
  EXPECT_THAT(lpc({"status", "--pid", pid()}).out, HasSubstr("no patches"));
}

// Data only: no thread can be in the way, and none is named.
TEST_F(Verdicts, OfAPatchWithoutCode) {
  folder_.write("data.lp", "target program\nset turns i32 7\n");
  RunResult done = lpc({"plan", "data.lp", "--pid", pid()});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, Not(HasSubstr("threads now")));
  done = lpc({"plan", "data.lp", "--pid", pid(), "--format=json"});
  EXPECT_THAT(done.out, AllOf(HasSubstr("free"), Not(HasSubstr("running")), Not(HasSubstr("active"))));
}

} // namespace
} // namespace lpc::test
