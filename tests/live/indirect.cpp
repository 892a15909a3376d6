// Payloads that define indirect functions: their resolvers run on a thread of the process before the payload's code
// does.
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

constexpr const char *kIndirect = R"(
  #include <pthread.h>
  extern int limit;
  static pthread_t where; // of the resolver: not the program's thread
  static int small(int x) { return x + 1; }
  static int large(int x) { return x + 2000; }
  static int (*resolve(void))(int) { where = pthread_self(); return limit == 100 ? large : small; }
  static int inner(int) __attribute__((ifunc("resolve")));
  int shown(int) __attribute__((ifunc("resolve")));
  int (*volatile pointer)(int) = shown;
  static int began;
  __attribute__((constructor)) static void begin(void) { began = inner(0); }
  int fix(int x) { return inner(x) + shown(x) + pointer(x) + began + (pthread_equal(where, pthread_self()) ? 5 : 0); })";
// `limit` is what it is when the resolver runs, and not when the function is called first.
constexpr const char *kAnswer = "handle 8006 limit 500 greeting hello";

class Indirect : public Linkage {
protected:
  void startProgram(const std::vector<std::string> &flags = {}) {
    folder_.write("program.c", kLinkageProgram);
    std::vector<std::string> words{"gcc", "-O2", "-o", "program", "program.c", "-pthread"};
    words.insert(words.end(), flags.begin(), flags.end());
    ASSERT_TRUE(compile(words)) << why_;
    start({"./program"});
    ask(); // the first answer is made with memory that is kept
    before_ = stateOf(child_->pid());
  }
  void build(const std::string &source, const std::string &form, const std::string &name = "payload") {
    folder_.write(name + ".c", source);
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", form, "-o", name + (form == "-c" ? ".o" : ".so"), name + ".c"}))
        << why_;
  }
  RunResult applied(const std::string &statements) {
    folder_.write("fix.lp", "target program\n" + statements);
    return apply();
  }
  void expectWorks(const std::string &statements, const std::string &answer) {
    SCOPED_TRACE(statements);
    RunResult done = applied(statements);
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(), answer);
    done = revert();
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(), kLinkageBefore);
    EXPECT_EQ(stateOf(child_->pid()).threads, before_.threads);
  }
  // Refused or failed, with all as it was.
  void expectRefused(const std::string &statements, const std::string &id, const std::string &message) {
    SCOPED_TRACE(statements);
    RunResult done = applied(statements);
    EXPECT_EQ(done.status, 3);
    EXPECT_THAT(done.err, HasSubstr("[" + id + "]"));
    EXPECT_THAT(done.err, HasSubstr(message));
    EXPECT_EQ(ask(), kLinkageBefore);
    EXPECT_EQ(stateOf(child_->pid()).threads, before_.threads);
  }
  ProcessState before_;
};

TEST_F(Indirect, ResolvedBeforeTheSwitch) {
  startProgram();
  for (const char *form : {"-c", "-shared"}) {
    ASSERT_NO_FATAL_FAILURE(build(kIndirect, form));
    expectWorks(std::string("dl p payload.") + (form[1] == 'c' ? "o" : "so") +
                    "\njmp handle $p:fix\nset limit i32 500 was 100\n",
                kAnswer);
  }
}

// The function that replaces is itself an indirect one: `target_clones` makes such.
TEST_F(Indirect, AsReplacement) {
  startProgram();
  const char *source = "__attribute__((target_clones(\"avx2\", \"default\"))) int fix(int x) {\n"
                       "  int sum = 0; for (int i = 0; i < x * 100; i++) sum += i; return sum; }\n";
  ASSERT_NO_FATAL_FAILURE(build(source, "-shared"));
  expectWorks("dl p payload.so\njmp handle $p:fix\n", "handle 19900 limit 100 greeting hello");
  expectWorks("dl p payload.so\nset callee addr $p:fix\n", "handle 19900 limit 100 greeting hello");
}

TEST_F(Indirect, UsedByAnotherPayload) {
  startProgram();
  const char *user = "int shown(int); int twice(int x) { return shown(x) * 2; }\n";
  for (const char *form : {"-c", "-shared"}) {
    ASSERT_NO_FATAL_FAILURE(build(kIndirect, form));
    ASSERT_NO_FATAL_FAILURE(build(user, form, "user"));
    std::string ending = form[1] == 'c' ? ".o" : ".so";
    expectWorks("dl u user" + ending + "\ndl p payload" + ending + "\njmp handle $u:twice\n",
                "handle 4004 limit 100 greeting hello");
  }
}

TEST_F(Indirect, AResolverThatFails) {
  startProgram();
  auto source = [](const std::string &resolver) {
    return "static void *resolve(void) { " + resolver + " }\nint fix(int) __attribute__((ifunc(\"resolve\")));\n";
  };
  const std::string patch = "dl p payload.so\njmp handle $p:fix\n";
  ASSERT_NO_FATAL_FAILURE(build(source("return *(void *volatile *)8;"), "-shared"));
  expectRefused(patch, "call-failed", "calling the resolver of `fix` of payload.so: the function at 0x");
  ASSERT_NO_FATAL_FAILURE(build("#include <stdlib.h>\n" + source("abort();"), "-shared"));
  expectRefused(patch, "call-failed", "raised SIGABRT");
  ASSERT_NO_FATAL_FAILURE(build(source("return 0;"), "-shared"));
  expectRefused(patch, "call-failed", "the resolver of `fix` of payload.so returned 0x0, which is no code");
  ASSERT_NO_FATAL_FAILURE(build("static int data;\n" + source("return &data;"), "-shared"));
  expectRefused(patch, "call-failed", ", which is no code");
}

TEST_F(Indirect, RefusedWithoutThreads) {
  startProgram({"-static"});
  ASSERT_NO_FATAL_FAILURE(build("static int one(int x) { return x; } static void *resolve(void) { return one; }\n"
                                "int fix(int) __attribute__((ifunc(\"resolve\")));\n",
                                "-shared"));
  expectRefused("dl p payload.so\njmp handle $p:fix\n", "no-threads", "no function can be called in process");
}

TEST_F(Indirect, HasNoInside) {
  startProgram();
  ASSERT_NO_FATAL_FAILURE(build(kIndirect, "-shared"));
  RunResult done = applied("dl p payload.so\njmp handle $p:shown+4\n");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err,
              HasSubstr("`$p:shown+4` lies inside of an IFUNC of `payload.so`, which has no code of its own"));
  EXPECT_THAT(done.err, HasSubstr("[ifunc-symbol]"));
  done = applied("dl p payload.so\njmp $p:shown handle\n");
  EXPECT_NE(done.status, 0);
  EXPECT_EQ(ask(), kLinkageBefore);
}

} // namespace
} // namespace lpc::test
