// `dlopen`: the process's own dynamic linker loads objects that need it, and gives them back when the patch is
// reverted.
#include "tests/live/dlopen.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(Dlopen, OwnThreadLocalsUnderEightThreads) {
  start(8);
  object(kOwnThreadLocals);
  RunResult done = apply(kFix);
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("$own @ 0x"));
  EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
  EXPECT_EQ(answer(), "handle 2 limit 500 mixed 0 said begin ");
  EXPECT_THAT(mapped(), HasSubstr(folder_.path() + "/own.so")) << "tools find it by its name";
  EXPECT_THAT(lpc({"status", "--pid", pid()}).out, HasSubstr("dlopen $own own.so @ 0x"));
  done = apply(kFix);
  EXPECT_THAT(done.out, HasSubstr("already applied"));
  done = revert();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("finish `dlclose` for own.so: 0"));
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
  expectAsBefore();
}

TEST_F(Dlopen, ChangesInTheObjectItself) {
  start();
  object("int level = 3; __attribute__((noinline)) int deep(int x) { __asm__ volatile(\"nop; nop; nop; nop; nop\"); "
         "return x + level; }\n"
         "int fix(int x) { return deep(x); } int other(int x) { return x + 70; }");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\nset $own:level int 8 was 3\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 8 "));
  ASSERT_EQ(revert().status, 0);
  done = apply("dlopen own own.so\njmp handle $own:fix\njmp $own:deep $own:other\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 70 "));
  ASSERT_EQ(revert().status, 0);
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  expectAsBefore();
}

TEST_F(Dlopen, PayloadsReferToIt) {
  start();
  object("int base = 40; int deep(int x) { return x + base; }");
  folder_.write("over.c", "extern int base; int deep(int); int fix(int x) { base = 50; return deep(x) + 1; }");
  build({"gcc", "-O2", "-shared", "-fPIC", "-o", "over.so", "over.c"});
  RunResult done = apply("dlopen own own.so\ndl over over.so\njmp handle $over:fix\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 51 "));
  ASSERT_EQ(revert().status, 0);
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  expectAsBefore();
}

TEST_F(Dlopen, TheObjectFindsItself) {
  start();
  object(R"(
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <link.h>
    #include <string.h>
    static int see(struct dl_phdr_info *info, size_t size, void *found) {
      if (strstr(info->dlpi_name, "own.so")) *(int *)found = 1;
      return 0;
    }
    int hidden_answer = 20;
    int fix(int x) {
      int found = 0;
      dl_iterate_phdr(see, &found);
      Dl_info info;
      int self = dladdr((void *)fix, &info) && strstr(info.dli_fname, "own.so") != NULL;
      int *limit = dlsym(RTLD_DEFAULT, "limit");
      return x + found + 2 * self + (limit ? *limit : 0);
    })");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 103 "));
  ASSERT_EQ(revert().status, 0);
  expectAsBefore();
}

TEST_F(Dlopen, CxxObjects) {
  start(8);
  object(R"(
    #include <stdexcept>
    #include <string>
    extern "C" void say(const char *);
    struct Static { Static() { say("made"); } ~Static() { say("gone"); } };
    static Static once;
    thread_local std::string text = "abcdefghijklmnopqrstuvwxyz0123456789";
    static thread_local unsigned calls;
    static int thrower(int x) { if (calls++ % 20000 == 0 && text.size() == 36) throw std::runtime_error(text); return x; }
    extern "C" int fix(int x) {
      try { return thrower(x); } catch (const std::exception &e) { return x + (int)std::string(e.what()).size(); }
    })",
         "own", "g++");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 36 limit 100 mixed 0 said made "));
  done = revert();
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(answer(), HasSubstr("handle 0 limit 100 mixed 0 said made "));
}

TEST_F(Dlopen, WhatTheDynamicLinkerSaysOfAFailure) {
  start();
  object("int nowhere(void); int fix(int x) { return x + nowhere(); }");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("fix.lp:2:1: error: the dynamic linker of process"));
  EXPECT_THAT(done.err, HasSubstr("undefined symbol: nowhere"));
  EXPECT_THAT(done.err, HasSubstr("[dlopen-failed]"));
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  expectAsBefore();
}

// The first object is given back when the second one can't be had.
TEST_F(Dlopen, OneFailsAllAreClosed) {
  start();
  object(kOwnThreadLocals);
  object("int nowhere(void); int more(int x) { return x + nowhere(); }", "more");
  RunResult done = apply("dlopen own own.so\ndlopen more more.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 3);
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
  done = apply("dlopen own own.so\njmp handle $own:fix\nexpect limit int 101\n");
  EXPECT_EQ(done.status, 3);
  EXPECT_EQ(answer("c"), "handle 0 limit 100 mixed 0 said ") << "what can be known before is known before";
  expectAsBefore();
}

TEST_F(Dlopen, BundlesHaveTheFile) {
  start();
  object(kOwnThreadLocals);
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  RunResult done = lpc({"build", "fix.lp", "-o", "fix.lpb"});
  ASSERT_EQ(done.status, 0) << done.err;
  for (const char *file : {"own.so", "own.c", "fix.lp"})
    std::filesystem::remove(folder_.path() + "/" + file);
  done = lpc({"apply", "fix.lpb", "--pid", pid()});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
  EXPECT_THAT(mapped(), HasSubstr("/memfd:dlopen:own.so (deleted)"));
  EXPECT_EQ(stateOf(child_->pid()).descriptors, before_.descriptors);
  ASSERT_EQ(revert().status, 0);
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
  expectAsBefore();
}

TEST_F(Dlopen, LoadedByTheProgramBefore) {
  start();
  object(kOwnThreadLocals);
  EXPECT_EQ(answer("k " + folder_.path() + "/own.so"), "kept 1");
  RunResult done = apply(kFix);
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("(loaded before)"));
  EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ") << "its constructors have run once";
  ASSERT_EQ(revert().status, 0);
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin ");
  EXPECT_THAT(mapped(), HasSubstr("own.so")) << "the program has it still";
}

TEST_F(Dlopen, Stacked) {
  start();
  object(kOwnThreadLocals);
  object("int second(int x) { return x + 77; }", "more");
  ASSERT_EQ(apply(kFix).status, 0);
  folder_.write(
      "next.lp",
      "target program\ndlopen own own.so\ndlopen more more.so\nset callee addr $more:second\nset limit int 3\n");
  RunResult done = lpc({"apply", "next.lp", "--pid", pid()});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 77 limit 500 mixed 0 said begin ");
  ASSERT_EQ(revert("fix").status, 0);
  EXPECT_EQ(answer(), "handle 77 limit 3 mixed 0 said begin ") << "the other patch has it, too";
  ASSERT_EQ(revert("next").status, 0);
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
  expectAsBefore();
}

TEST_F(Dlopen, AThreadInsideKeepsIt) {
  start();
  object(R"(
    #include <unistd.h>
    int fix(int x) { char byte; (void)!read(0, &byte, 1); return x + 9; })");
  ASSERT_EQ(apply("dlopen own own.so\njmp handle $own:fix\n").status, 0);
  child_->send("?\n");
  ASSERT_TRUE(eventually([&] { return runtime::threadState(child_->pid(), child_->pid()) == 'S'; }));
  RunResult done = revert("fix", {"--timeout", "300ms"});
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("$own"));
  child_->send("x");
  EXPECT_THAT(child_->line().value_or(""), HasSubstr("handle 9 "));
  EXPECT_EQ(revert().status, 0);
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  expectAsBefore();
}

TEST_F(Dlopen, PlansSayWhatIsNotKnown) {
  start();
  object(kOwnThreadLocals);
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  RunResult plan = lpc({"plan", "fix.lp", "--pid", pid()});
  ASSERT_EQ(plan.status, 0) << plan.err;
  EXPECT_THAT(plan.out, HasSubstr("dlopen:\n  line 2: $own ["));
  EXPECT_THAT(plan.out, HasSubstr(" $own+0x"));
  EXPECT_THAT(plan.out, HasSubstr("whether the process loads `own.so`, and where"));
  EXPECT_THAT(plan.out, Not(HasSubstr("0x1000000000"))) << "no made-up address is shown";
  std::string digest = plan.out.substr(plan.out.find("digest ") + 7, 64);
  RunResult done = apply(kFix, {"--dry-run"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("nothing is loaded with `dlopen` in a dry run"));
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said ");
  done = apply(kFix, {"--expect-plan", std::string(64, '0')});
  EXPECT_EQ(done.status, 3);
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said ");
  done = apply(kFix, {"--expect-plan", digest});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
  EXPECT_EQ(revert().status, 0);
}

TEST_F(Dlopen, ProgramsThatAreStarted) {
  buildProgram();
  object(kOwnThreadLocals);
  folder_.write("fix.lp", std::string("target program\n") + kFix);
  child_.emplace(std::vector<std::string>{LPC_COMMAND, "run", "fix.lp", "--", "./program"});
  ASSERT_EQ(child_->line(), "ready");
  EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
  ASSERT_EQ(revert().status, 0);
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
}

TEST_F(Dlopen, StaticProgramsHaveNoDynamicLinker) {
  object(kOwnThreadLocals);
  folder_.write("main.c", "#include <stdio.h>\nint handle(int x) { return x; }\nint main(void) { puts(\"ready\"); "
                          "fflush(stdout); getchar(); return handle(0); }");
  build({"gcc", "-O0", "-static", "-o", "program", "main.c"});
  child_.emplace(std::vector<std::string>{folder_.path() + "/program"});
  ASSERT_EQ(child_->line(), "ready");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("[no-dynamic-linker]"));
}

} // namespace
} // namespace lpc::test
