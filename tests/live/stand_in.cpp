// A thread in whose name another one calls pthread_create does not notice: its system call, its registers, the vector
// registers too, and `errno` are as if nothing had been. And where no thread may be used for that, nothing is done.
#include "tests/live/stand_in.h"

namespace lpc::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

struct Wait {
  std::string name, line, answer; // before the word "after"
  bool timed = false;             // takes a second; otherwise a line more
};
void PrintTo(const Wait &wait, std::ostream *out) { *out << wait.name; }

class StandInWaits : public StandIns, public testing::WithParamInterface<Wait> {};

TEST_P(StandInWaits, NoticesNothing) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "this processor has no AVX";
  const Wait &wait = GetParam();
  std::string commands;
  ASSERT_TRUE(eventually([&] { return (commands = call()).starts_with("0 "); }));
  if (wait.line != "r") {
    child_->send(wait.line + "\n");
    ASSERT_TRUE(leaves(commands, 'S'));
  }
  RunResult done = applied();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("post-apply `note`: 1"));
  if (!wait.timed) child_->send(wait.line == "r" ? "r\n" : "\n");
  std::string answer = child_->line().value_or("(no answer)");
  EXPECT_THAT(answer, HasSubstr(wait.answer + " same 1 after "));
  EXPECT_THAT(answer, HasSubstr(" handle 101 called 1"));
  if (wait.timed) {
    EXPECT_THAT(answer, MatchesRegex(".* after [1-9][0-9]{3,} handle.*"));
  }
  done = revert("fix", {"--timeout", "20s"});
  EXPECT_EQ(done.status, 0) << done.err;
  child_->send("r\n");
  EXPECT_THAT(child_->line().value_or("(no answer)"), HasSubstr("result 2 same 1 after "));
  expectAsBefore();
}

INSTANTIATE_TEST_SUITE_P(Live, StandInWaits,
                         testing::Values(Wait{"Read", "r", "result 2"}, Wait{"Sleep", "n", "result 0", true},
                                         Wait{"Futex", "f", "result -110", true}, Wait{"Poll", "p", "result 1"},
                                         Wait{"Epoll", "e", "result 1"}),
                         [](const auto &test) { return test.param.name; });

struct Refusal {
  std::string name, line, why;
  enum Release : uint8_t { Line, Gate, Signal } release = Line;
};
void PrintTo(const Refusal &refusal, std::ostream *out) { *out << refusal.name; }

class StandInRefusals : public StandIns, public testing::WithParamInterface<Refusal> {};

TEST_P(StandInRefusals, NothingIsDone) {
  const Refusal &refusal = GetParam();
  folder_.write("slow.c",
                "#include <unistd.h>\n__attribute__((constructor)) static void begin(void) { char byte; while "
                "(read(0, &byte, 1) != 1) {} }\n");
  build({"gcc", "-O2", "-shared", "-fPIC", "-o", "slow.so", "slow.c"});
  std::string commands;
  ASSERT_TRUE(eventually([&] { return (commands = call()).starts_with("0 "); }));
  child_->send(refusal.line == "d" ? "d " + folder_.path() + "/slow.so\n" : refusal.line + "\n");
  if (refusal.line == "a") {
    ASSERT_EQ(child_->line(), "registered");
  }
  ASSERT_TRUE(leaves(commands, refusal.release == Refusal::Signal ? 'R' : 'S'));
  const ProcessState before = stateOf(child_->pid());
  const auto maps = mappingsOf(child_->pid());
  RunResult done =
      applied(refusal.release == Refusal::Signal ? "3s" : "300ms"); // on a loaded machine it is long before it stops
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, AllOf(HasSubstr("[no-threads]"), HasSubstr("thread " + pid() + " (`program`): " + refusal.why),
                              HasSubstr("nothing was changed")));
  EXPECT_EQ(stateOf(child_->pid()), before);
  EXPECT_EQ(mappingsOf(child_->pid()), maps);

  if (refusal.release == Refusal::Line) child_->send("\n");
  if (refusal.release == Refusal::Gate) openGate();
  if (refusal.release == Refusal::Signal) child_->signal(SIGUSR2);
  if (refusal.line == "a") {
    EXPECT_EQ(child_->wait(), 0);
    return;
  }
  EXPECT_THAT(child_->line().value_or("(no answer)"), HasSubstr("handle 1 called 0"));
  done = applied();
  EXPECT_EQ(done.status, 0) << done.err;
}

INSTANTIATE_TEST_SUITE_P(
    Live, StandInRefusals,
    testing::Values(Refusal{"InTheAllocator", "m", "it is inside of the library that allocates", Refusal::Gate},
                    Refusal{"InAHandlerOverTheAllocator", "h", "it is inside of the library that allocates"},
                    Refusal{"InTheDynamicLinker", "d", "it is inside of the dynamic linker"},
                    Refusal{"CalledByTheCLibrary", "q", "it was called by a function of the C library"},
                    Refusal{"InTheCLibrary", "w", "it is inside of a function of the C library that does more"},
                    Refusal{"AtTheEnd", "a", "its stack does not begin as that of a thread at work does"},
                    Refusal{"OnAStackOfItsOwn", "c", "its stack"},
                    Refusal{"Running", "s", "it does not sleep", Refusal::Signal}),
    [](const auto &test) { return test.param.name; });

// What is of the program itself can't be told from its allocator.
TEST_F(StandIns, TheProgramItselfAllocates) {
  build({"gcc", "-O2", "-rdynamic", "-pthread", "-o", "alone", "main.c", "strict.c", "-ldl", "-lm"});
  run("alone", false);
  folder_.write("fix.lp", "target alone\nreturn handle 7\non post-apply call note 1\n");
  RunResult done = applied();
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("its memory is not allocated by the C library, but by the program itself"));
  EXPECT_THAT(done.err, HasSubstr("[no-threads]"));
  EXPECT_EQ(stateOf(child_->pid()), before_);
}

// The allocator's lock is held by another thread for long: the stand-in waits for it, and lpc does not. It comes to its
// end when it can, and so does the thread that waits for it.
TEST_F(StandIns, ALockIsHeld) {
  child_->send("b\n");
  ASSERT_THAT(child_->line().value_or("(no answer)"), HasSubstr("handle 1"));
  const size_t descriptors = before_.descriptors + 1; // the gate, which it has opened with the lock held
  ASSERT_TRUE(
      eventually([&] { return statesOf(child_->pid()) == "SS" && stateOf(child_->pid()).descriptors == descriptors; }));
  RunResult done = applied();
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("made no thread in time"));
  EXPECT_THAT(done.err, HasSubstr("nothing was changed"));
  EXPECT_TRUE(eventually([&] { return statesOf(child_->pid()) == "DSS"; })) << "one waits for its stand-in";
  done = applied("300ms"); // finds the rest of the first one, and no thread for another
  EXPECT_EQ(done.status, 3) << done.out << done.err;

  openGate();
  EXPECT_TRUE(eventually([&] { return runsAsBefore(child_->pid(), before_); })) << statesOf(child_->pid());
  child_->send("r\n");
  EXPECT_THAT(child_->line().value_or("(no answer)"), AllOf(HasSubstr("same 1"), HasSubstr("handle 1 called 0")));
  done = applied();
  EXPECT_EQ(done.status, 0) << done.err;
  child_->send("r\n");
  EXPECT_THAT(child_->line().value_or("(no answer)"), AllOf(HasSubstr("same 1"), HasSubstr("handle 101 called 1")));
  done = revert("fix", {"--timeout", "20s"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(mapped(), Not(HasSubstr("livepatch")));
}

} // namespace
} // namespace lpc::test
