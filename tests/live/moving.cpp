// What is not the same at the stop as when it was planned, and slots of imports in every state that linkers leave them
// in: the patch is applied wholly to what stands then, or nothing is changed.
#include <fstream>
#include <sstream>

#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

// `strtol` is called for the first time when it is asked for; `first` and `second` change places all the time, if
// wished. `hold` stays in `outer` until `free`.
constexpr const char *kProgram = R"(
  #include <pthread.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <unistd.h>
  struct config { unsigned limit, other; } first = {10, 1}, second = {10, 2};
  struct config *volatile current = &first;
  volatile int moving;
  __attribute__((noinline)) int old(int x) { __asm__ volatile("" : "+r"(x)); return x + 1; }
  __attribute__((noinline)) int standby(int x) {
    char c = 0;
    if (x == 100) { puts("held"); if (read(0, &c, 1) != 1) abort(); }
    return x + 5;
  }
  int (*volatile oldCall)(int) = old;
  static void *move(void *unused) {
    for (;;) { if (moving) current = current == &first ? &second : &first; else usleep(100); }
    return unused;
  }
  static char line[64];
  int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, move, NULL);
    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
      if (!strcmp(line, "move\n")) { moving = 1; puts("moving"); }
      else if (!strcmp(line, "rest\n")) { moving = 0; usleep(1000); puts("resting"); }
      else if (!strcmp(line, "number\n")) printf("number %ld\n", strtol("12", NULL, 10));
      else if (!strcmp(line, "hold\n")) printf("back %d\n", oldCall(100));
      else printf("first %u second %u old %d\n", first.limit, second.limit, oldCall(1));
    }
    return 0;
  })";
constexpr const char *kBefore = "first 10 second 10 old 2";

class Moving : public Linkage {
protected:
  void startProgram(const std::vector<std::string> &options = {"-no-pie"}) {
    folder_.write("program.c", kProgram);
    std::vector<std::string> words{"gcc", "-O2", "-g", "-pthread", "-o", "program", "program.c"};
    words.insert(words.end(), options.begin(), options.end());
    ASSERT_TRUE(compile(words)) << why_;
    folder_.write("payload.c",
                  "long thirteen(const char *s, char **e, int b) { (void)s, (void)e, (void)b; return 13; }\n"
                  "int (*next)(int); int around(int x) { return next(x) * 10; }\n");
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-o", "payload.so", "payload.c"})) << why_;
    start({"./program"});
    before_ = stateOf(child_->pid());
  }
  RunResult applyText(const std::string &statements, std::vector<std::string> options = {}) {
    folder_.write("fix.lp", "target program\n" + statements);
    return apply(std::move(options));
  }
  void expectReverted(const std::string &question, const std::string &answer) {
    RunResult done = revert();
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(question), answer);
    EXPECT_EQ(stateOf(child_->pid()), before_);
  }

  ProcessState before_;
};

// The pointer leads to one of two places at the stop: there the value is written, or nowhere.
TEST_F(Moving, APointerThatMoves) {
  startProgram();
  int applied = 0;
  for (int round = 0; round < 20; round++) {
    ASSERT_EQ(ask("move"), "moving");
    RunResult done = applyText("set [current] u32 100 was 10\n", {"--timeout", "200ms"});
    ASSERT_EQ(ask("rest"), "resting");
    std::string now = ask("call");
    if (done.status == 0) {
      EXPECT_TRUE(now == "first 100 second 10 old 2" || now == "first 10 second 100 old 2") << now;
      applied++;
      expectReverted("call", kBefore);
    } else {
      EXPECT_EQ(done.status, 3) << done.err;
      EXPECT_THAT(done.err, HasSubstr("nothing was changed"));
      EXPECT_EQ(now, kBefore);
    }
  }
  RecordProperty("applied", applied);
}

// What must hold is looked at when nothing can change it any more.
TEST_F(Moving, AnExpectationThatComesAndGoes) {
  startProgram();
  for (int round = 0; round < 20; round++) {
    ASSERT_EQ(ask("move"), "moving");
    RunResult done = applyText("expect current addr second\njmp old standby\n", {"--timeout", "200ms"});
    ASSERT_EQ(ask("rest"), "resting");
    if (done.status == 0) {
      EXPECT_EQ(ask("call"), "first 10 second 10 old 6");
      expectReverted("call", kBefore);
    } else {
      EXPECT_EQ(done.status, 3) << done.err;
      EXPECT_THAT(done.err, HasSubstr("[expect-failed]"));
      EXPECT_EQ(ask("call"), kBefore);
    }
  }
}

// With full RELRO the slot is in memory that the program can't write any more, and is not able to afterwards.
TEST_F(Moving, ASlotThatIsReadOnly) {
  for (const char *kind : {"-no-pie", "-pie"}) {
    startProgram({kind, "-Wl,-z,relro,-z,now"});
    auto maps = [&] {
      std::ostringstream text;
      text << std::ifstream("/proc/" + pid() + "/maps").rdbuf();
      return text.str();
    };
    const std::string mapped = maps();
    RunResult done = applyText("dl p payload.so\ngot strtol $p:thirteen\n");
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask("number"), "number 13");
    expectReverted("number", "number 12");
    EXPECT_EQ(maps(), mapped);
  }
}

// A slot that no call has gone through yet leads to the dynamic linker, and does so again afterwards.
TEST_F(Moving, ASlotThatIsNotBoundYet) {
  for (const char *kind : {"-no-pie", "-pie"}) {
    startProgram({kind, "-Wl,-z,lazy"});
    RunResult done = applyText("dl p payload.so\ngot strtol $p:thirteen\n");
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask("number"), "number 13");
    expectReverted("number", "number 12"); // bound by this very call
    done = apply();
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask("number"), "number 13");
    expectReverted("number", "number 12");
  }
}

// A replacement that is a function of the program stays when the patch goes: a thread may be in it.
TEST_F(Moving, AReplacementInTheProgramThatIsActive) {
  startProgram();
  RunResult done = applyText("jmp old standby\n");
  ASSERT_EQ(done.status, 0) << done.err;
  ASSERT_EQ(ask("hold"), "held");
  done = revert();
  EXPECT_EQ(done.status, 0) << done.err;
  child_->send("x\n");
  EXPECT_EQ(child_->line(), "back 105");
  EXPECT_EQ(ask("call"), kBefore); // the line's end was a line, too
  EXPECT_EQ(child_->line(), kBefore);
  EXPECT_EQ(stateOf(child_->pid()), before_);
}

TEST_F(Moving, AHookAtANumber) {
  startProgram();
  RunResult symbols = run({"bash", "-c", "nm program | sed -n 's/ T old$//p'"});
  const std::string address = "0x" + symbols.out.substr(0, symbols.out.find('\n'));
  ASSERT_GT(address.size(), 4U) << symbols.err;
  RunResult done = applyText("dl p payload.so\nhook " + address + " $p:around original $p:next\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask("call"), "first 10 second 10 old 20");
  expectReverted("call", kBefore);
  // The second byte of its first instruction is no function.
  done = applyText("dl p payload.so\nhook " + address + "+1 $p:around original $p:next\n");
  EXPECT_NE(done.status, 0) << done.out;
  EXPECT_EQ(ask("call"), kBefore);
}

} // namespace
} // namespace lpc::test
