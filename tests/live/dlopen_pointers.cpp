// An object of `dlopen` that the program still points into is not closed when its patch is reverted.
#include "tests/live/dlopen.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

// It keeps what it is given in memory of the allocator, in a variable, or as the handler of a signal; `u` uses that.
constexpr const char *kKeeper = R"(
  #include <signal.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  struct entry { long words[3]; int (*volatile function)(int); void *volatile argument; };
  static struct entry *entry;
  const char *volatile text = "own";
  static volatile int handled;
  void handled_it(void) { handled++; }
  void keep_among(long first, long second, long third, int (*function)(int), void *argument) {
    entry = calloc(1, sizeof *entry);
    entry->words[0] = first, entry->words[1] = second, entry->words[2] = third;
    entry->function = function, entry->argument = argument;
  }
  void keep(int (*function)(int)) { keep_among(1, 2, 3, function, NULL); }
  void keep_text(const char *words) { text = words; }
  void keep_handler(void (*handler)(int)) { signal(SIGUSR1, handler); }
  __attribute__((noinline)) int handle(int x) { __asm__ volatile("nop; nop; nop; nop; nop"); return x; }
  int (*volatile callee)(int) = handle;
  static void wipe(void) { volatile char stack[16384]; for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0; }
  int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) {
      if (line[0] == 'f') { if (entry) entry->function = NULL, entry->argument = NULL; free(entry); entry = NULL; }
      if (line[0] == 'f') text = "own", signal(SIGUSR1, SIG_DFL);
      int result = callee(1);
      printf("handle %d kept %d text %s\n", result, entry && entry->function ? entry->function(5) : 0, text);
      wipe();
    }
    return 0;
  })";
constexpr const char *kObject = R"(
  void keep(int (*)(int)), keep_among(long, long, long, int (*)(int), void *), keep_text(const char *), keep_handler(void (*)(int)), handled_it(void);
  static __thread int calls;
  static int callback(int x) { calls++; return x + 300; }
  static void on_signal(int number) { (void)number; handled_it(); }
  static struct list { struct list *next, *last; } items = {&items, &items};
  static const char words[] = "of the object";
  int fix(int x) { (void)callback, (void)on_signal, (void)words, (void)items; KEEP; return x + ++calls * 0 + 100; })";

struct Kept {
  std::string name, statement, answer;
};
void PrintTo(const Kept &kept, std::ostream *out) { *out << kept.name; }

class DlopenKeeper : public Dlopen {
protected:
  void start(const std::string &statement, const std::vector<std::string> &extra = {}) {
    folder_.write("main.c", kKeeper);
    build({"gcc", "-O2", "-g", "-rdynamic", "-o", "program", "main.c"});
    folder_.write("own.c", kObject);
    std::vector<std::string> words{"gcc", "-O2", "-shared", "-fPIC", "-DKEEP=" + statement, "-o", "own.so", "own.c"};
    words.insert(words.end(), extra.begin(), extra.end());
    build(words);
    child_.emplace(std::vector<std::string>{folder_.path() + "/program"});
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
  }
};

class DlopenPointers : public DlopenKeeper, public testing::WithParamInterface<Kept> {};

TEST_P(DlopenPointers, KeepItUntilTheyGo) {
  start(GetParam().statement);
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 101 " + GetParam().answer);
  done = revert();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("`own.so` stays loaded: "));
  EXPECT_EQ(answer(), "handle 1 " + GetParam().answer) << "the program still uses it";
  (void)revert(); // any command tries again
  EXPECT_THAT(mapped(), HasSubstr("own.so"));
  if (GetParam().name == "ByTheKernel") child_->signal(SIGUSR1);
  EXPECT_EQ(answer(), "handle 1 " + GetParam().answer);
  EXPECT_EQ(answer("f"), "handle 1 kept 0 text own");
  (void)revert();
  expectAsBefore();
}

// As patchelf leaves them: the names stand behind all the rest, relocations in front.
TEST_F(DlopenKeeper, AnObjectWhoseNamesStandAtItsEnd) {
  std::string script = run({"ld", "-shared", "--verbose"}).out;
  const std::string names = "  .dynstr         : { *(.dynstr) }\n", end = "  PROVIDE (_end = .)";
  size_t begin = script.find('\n', script.find("=====")), last = script.rfind("=====");
  ASSERT_LT(begin, last) << script;
  script = script.substr(begin, script.rfind('\n', last) - begin);
  ASSERT_TRUE(script.contains(names) && script.contains(end)) << script;
  script.erase(script.find(names), names.size()).insert(script.find(end), names);
  folder_.write("own.ld", script);
  start("keep(callback)", {"-Wl,-T,own.ld"});
  ASSERT_EQ(apply("dlopen own own.so\njmp handle $own:fix\n").status, 0);
  EXPECT_EQ(answer(), "handle 101 kept 305 text own");
  EXPECT_THAT(revert().out, HasSubstr("`own.so` stays loaded: "));
  EXPECT_EQ(answer(), "handle 1 kept 305 text own");
  EXPECT_EQ(answer("f"), "handle 1 kept 0 text own");
  (void)revert();
  expectAsBefore();
}

INSTANTIATE_TEST_SUITE_P(
    Live, DlopenPointers,
    testing::Values(Kept{"InTheHeap", "keep(callback)", "kept 305 text own"},
                    Kept{"BehindAnEmptyBuffer", "keep_among(4096, 4096, 0, callback, 0)", "kept 305 text own"},
                    Kept{"BehindARange", "keep_among(4096, -1, (long)keep, callback, 0)", "kept 305 text own"},
                    Kept{"BeforeAnEmptyList", "keep_among(1, 2, 3, callback, &items)", "kept 305 text own"},
                    Kept{"AsAnEmptyList", "keep_among(1, 2, 3, 0, &items)", "kept 0 text own"},
                    Kept{"InAVariable", "keep_text(words)", "kept 0 text of the object"},
                    Kept{"ByTheKernel", "keep_handler(on_signal)", "kept 0 text own"}),
    [](const auto &test) { return test.param.name; });

} // namespace
} // namespace lpc::test
