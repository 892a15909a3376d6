// Thread-local variables of a program, of its libraries and of the C library (`errno`), used by payloads in every
// access model while eight threads are at work: each thread has its own, before, with and after the patch.
#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

constexpr const char *kProgram = R"(
  #include <errno.h>
  #include <pthread.h>
  #include <stdatomic.h>
  #include <stdio.h>
  #include <string.h>
  #include <time.h>
  _Thread_local long own = 1000;
  extern _Thread_local long theirs;
  static atomic_long rounds[8], wrong, patched;
  long *theirs_of_this_thread(void) { return &theirs; }
  // What it is given, and both variables grow by it.
  __attribute__((noinline)) long handle(long x) { own += x; theirs += x; errno = (int)x; return x; }
  long (*volatile callee)(long) = handle;
  static void *work(void *number) {
    long id = (long)number, sum = 0, kept = own, kept_theirs = theirs;
    for (long x = 1;; x = x % 100 + 1) {
      long result = callee(x + id);
      sum += x + id;
      if (result != x + id && result != 100000 + x + id) wrong++;
      if (result > 100000) patched++;
      if (own != kept + sum || theirs != kept_theirs + sum || errno != (int)(x + id)) wrong++;
      rounds[id]++;
      struct timespec moment = {0, 200000}; // or somebody is always in it
      nanosleep(&moment, NULL);
    }
    return NULL;
  }
  int main(void) {
    pthread_t thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (long i = 0; i < 8; i++) pthread_create(&thread, NULL, work, (void *)i);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) {
      patched = 0;
      for (int i = 0; i < 8; i++) { // every thread has been through it
        struct timespec moment = {0, 100000};
        for (long before = rounds[i]; rounds[i] < before + 60;) nanosleep(&moment, NULL);
      }
      printf("wrong %ld %s\n", wrong, patched ? "patched" : "not patched");
    }
    return 0;
  })";
constexpr const char *kPayload = R"(
  extern _Thread_local long own, theirs;
  extern _Thread_local int errno; // itself, and not through __errno_location
  long fix(long x) { own += x; theirs += x; errno = (int)x; return 100000 + x; })";

// The local-dynamic model is for variables of one object.
constexpr const char *kOfTheProgram = R"(
  #include <errno.h>
  extern _Thread_local long own;
  long *theirs_of_this_thread(void);
  long fix(long x) { own += x; *theirs_of_this_thread() += x; errno = (int)x; return 100000 + x; })";

struct Model {
  std::string name;
  std::vector<std::string> flags;
  bool objectOnly = false;
  const char *source = kPayload;
};
void PrintTo(const Model &model, std::ostream *out) { *out << model.name; }

class ThreadLocals : public Linkage, public testing::WithParamInterface<Model> {};

TEST_P(ThreadLocals, OfEightThreads) {
  const Model &model = GetParam();
  folder_.write("program.c", kProgram);
  folder_.write("library.c", "_Thread_local long room[100], theirs = 20;\n");
  folder_.write("payload.c", model.source);
  ASSERT_TRUE(compile({"gcc", "-O2", "-shared", "-fPIC", "-o", "libtheirs.so", "library.c"})) << why_;
  ASSERT_TRUE(compile({"gcc", "-O2", "-pthread", "-o", "program", "program.c", "./libtheirs.so"})) << why_;
  start({"./program"});
  ASSERT_EQ(ask(), "wrong 0 not patched");
  const size_t threads = stateOf(child_->pid()).threads;
  for (const char *form : {"-c", "-shared"}) {
    if (model.objectOnly && std::string(form) == "-shared") continue; // a link editor refuses it
    SCOPED_TRACE(form);
    std::vector<std::string> words{"gcc", "-O2", "-fPIC", form, "-o", "payload.o", "payload.c"};
    words.insert(words.end(), model.flags.begin(), model.flags.end());
    ASSERT_TRUE(compile(words)) << why_;
    folder_.write("fix.lp", "target program\ndl p payload.o\njmp handle $p:fix\n");
    for (int round = 0; round < 2; round++) {
      RunResult done = apply({"--timeout", "20s"});
      ASSERT_EQ(done.status, 0) << done.err;
      EXPECT_EQ(ask(), "wrong 0 patched");
      done = lpc({"revert", "fix", "--pid", pid(), "--timeout", "20s"});
      ASSERT_EQ(done.status, 0) << done.err;
      EXPECT_EQ(ask(), "wrong 0 not patched");
    }
  }
  EXPECT_EQ(stateOf(child_->pid()).threads, threads);
}

TEST_F(Linkage, ThreadLocalsOfTwoObjectsInTheLocalDynamicModel) {
  folder_.write("program.c", kProgram);
  folder_.write("library.c", "_Thread_local long room[100], theirs = 20;\n");
  folder_.write("payload.c", kPayload);
  ASSERT_TRUE(compile({"gcc", "-O2", "-shared", "-fPIC", "-o", "libtheirs.so", "library.c"})) << why_;
  ASSERT_TRUE(compile({"gcc", "-O2", "-pthread", "-o", "program", "program.c", "./libtheirs.so"})) << why_;
  start({"./program"});
  folder_.write("fix.lp", "target program\ndl p payload.o\njmp handle $p:fix\n");
  for (const char *memory : {"-mcmodel=small", "-mcmodel=large"}) {
    SCOPED_TRACE(memory);
    ASSERT_TRUE(
        compile({"gcc", "-O2", "-fPIC", "-c", "-ftls-model=local-dynamic", memory, "-o", "payload.o", "payload.c"}))
        << why_;
    RunResult done = apply();
    EXPECT_EQ(done.status, 1);
    EXPECT_THAT(done.err, testing::HasSubstr("to be thread-local variables of one object (local-dynamic model)"));
    EXPECT_THAT(done.err, testing::HasSubstr("[thread-local-symbol]"));
    EXPECT_EQ(ask(), "wrong 0 not patched");
  }
}

INSTANTIATE_TEST_SUITE_P(Live, ThreadLocals,
                         testing::Values(Model{"GlobalDynamic", {"-ftls-model=global-dynamic"}},
                                         Model{"LocalDynamic", {"-ftls-model=local-dynamic"}, true, kOfTheProgram},
                                         Model{"InitialExec", {"-ftls-model=initial-exec"}},
                                         Model{"LocalExec", {"-ftls-model=local-exec"}, true},
                                         Model{"Descriptors", {"-mtls-dialect=gnu2"}}),
                         [](const auto &test) { return test.param.name; });

} // namespace
} // namespace lpc::test
