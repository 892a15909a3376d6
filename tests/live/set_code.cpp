// `set` over instructions, as scripts of 2004 do it: it is warned of, and no thread stands between the bytes.
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// `hold` sleeps in its system call, which is the two bytes at `held`, until "go".
constexpr const char *kProgram = R"(
  #include <pthread.h>
  #include <stdio.h>
  #include <string.h>
  #include <unistd.h>
  long answer(void), wide(void), hold(int fd, char *to), caller(int fd, char *to);
  __asm__(".text\n.globl answer, hold, held\n.type answer, @function\n.type hold, @function\n"
          "answer: mov $42, %eax\nret\n.size answer, .-answer\n.balign 16\n"
          ".balign 16\n.globl wide, caller\n.type wide, @function\n.type caller, @function\n"
          "wide: mov $0x00058948, %eax\nret\n.size wide, .-wide\n.balign 16\n"
          "caller: call hold\nret\n.size caller, .-caller\n.balign 16\n"
          "hold: mov $1, %edx\nxor %eax, %eax\nheld: syscall\nnop\nnop\nret\n.size hold, .-hold\n");
  static int pipes[2];
  static volatile pid_t sleeper;
  static void *sleep_in_hold(void *unused) {
    char c;
    sleeper = gettid();
    caller(pipes[0], &c);
    return unused;
  }
  static int asleep(void) {
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", sleeper);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%*d %*s %c", &state) != 1) return 0;
    fclose(file);
    return state == 'S';
  }
  int main(void) {
    static char line[64];
    pthread_t thread;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (pipe(pipes) != 0 || pthread_create(&thread, NULL, sleep_in_hold, NULL) != 0) return 1;
    while (sleeper == 0 || !asleep()) usleep(1000);
    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
      if (!strcmp(line, "go\n")) {
        if (write(pipes[1], "g", 1) != 1 || pthread_join(thread, NULL) != 0) return 1;
        puts("gone");
      } else {
        printf("answer %ld\n", answer());
      }
    }
    return 0;
  })";

class SetCode : public Linkage {
protected:
  void SetUp() override {
    folder_.write("program.c", kProgram);
    ASSERT_TRUE(compile({"gcc", "-D_GNU_SOURCE", "-O1", "-no-pie", "-pthread", "-o", "program", "program.c"})) << why_;
    start({"./program"});
  }
  RunResult apply(const std::string &statements, std::vector<std::string> options = {}) {
    folder_.write("code.lp", "target program\n" + statements);
    options.insert(options.begin(), {"apply", "code.lp", "--pid", pid()});
    return lpc(options);
  }
};

TEST_F(SetCode, ChangesAnOperandWithoutAWarning) {
  RunResult done = apply("set answer+1 u32 43\n");
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(ask("answer"), "answer 43");
  EXPECT_EQ(lpc({"revert", "code", "--pid", pid()}).status, 0);
  EXPECT_EQ(ask("answer"), "answer 42");
}

// Read from where the value begins, `wide` is one instruction of seven bytes; but one does not begin there.
TEST_F(SetCode, IsNoSingleStore) {
  RunResult done = apply("set wide+1 u32 43\n", {"--format", "json"});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_THAT(done.out, HasSubstr("\"stops\": "));
  EXPECT_THAT(done.out, Not(HasSubstr("\"stops\": 0")));
}

// The thread comes back behind the bytes, where an instruction begins as before.
TEST_F(SetCode, MayTakeACallThatHasNotReturned) {
  RunResult done = apply("set caller hex 0f 1f 44 00 00\n");
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_EQ(ask("go"), "gone");
  EXPECT_EQ(lpc({"revert", "code", "--pid", pid()}).status, 0);
}

TEST_F(SetCode, WaitsForAThreadBetweenTheBytes) {
  // The thread returns from the kernel behind the first two bytes.
  const std::string overIt = "set held hex 0f 05 66 90\n";
  RunResult done = apply(overIt, {"--timeout", "300ms"});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[value-over-code]"));
  EXPECT_THAT(done.err, HasSubstr("[process-busy]"));
  EXPECT_THAT(done.err, HasSubstr("code.lp:2"));
  // Behind the last byte of a system call that stays, it goes on as before.
  EXPECT_EQ(apply("set held hex 0f 05\n").status, 0);
  EXPECT_EQ(lpc({"revert", "code", "--pid", pid()}).status, 0);
  EXPECT_EQ(ask("go"), "gone");
  done = apply(overIt, {"--timeout", "20s"});
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  EXPECT_EQ(ask("answer"), "answer 42");
  EXPECT_EQ(lpc({"revert", "code", "--pid", pid()}).status, 0);
}

} // namespace
} // namespace lpc::test
