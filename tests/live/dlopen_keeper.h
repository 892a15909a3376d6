// A program that keeps pointers into an object of `dlopen`.
#pragma once

#include "tests/live/dlopen.h"

namespace lpc::test {

// It keeps what it is given in memory of the allocator, in a variable, or as the handler of a signal, until `f`. `o`
// opens the library of its argument and keeps a pointer into it, `x` closes it and keeps none.
constexpr const char *kKeeper = R"(
  #include <dlfcn.h>
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
  #ifdef LINKED
  extern const char shown[];
  const char *volatile linked = shown;
  #endif
  static void *opened, *volatile pointer;
  static void wipe(void) { volatile char stack[16384]; for (unsigned i = 0; i < sizeof stack; i++) stack[i] = 0; }
  int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (char line[256]; fgets(line, sizeof line, stdin);) {
      if (line[0] == 'f') { if (entry) entry->function = NULL, entry->argument = NULL; free(entry); entry = NULL; }
      line[strcspn(line, "\n")] = 0;
      if (line[0] == 'o') opened = dlopen(line + 2, RTLD_NOW), pointer = dlsym(opened, "shown");
      if (line[0] == 'x') pointer = NULL, dlclose(opened);
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
  const char shown[] = "shown";
  static const char words[] = "of the object";
  int fix(int x) { (void)callback, (void)on_signal, (void)words, (void)items; KEEP; return x + ++calls * 0 + 100; })";

class DlopenKeeper : public Dlopen {
protected:
  void start(const std::string &statement, const std::vector<std::string> &extra = {},
             const std::vector<std::string> &ofProgram = {}, const std::vector<std::string> &environment = {}) {
    folder_.write("own.c", kObject);
    std::vector<std::string> words{"gcc", "-O2", "-shared", "-fPIC", "-DKEEP=" + statement, "-o", "own.so", "own.c"};
    words.insert(words.end(), extra.begin(), extra.end());
    build(words);
    folder_.write("main.c", kKeeper);
    words = {"gcc", "-O2", "-g", "-rdynamic", "-o", "program", "main.c"};
    words.insert(words.end(), ofProgram.begin(), ofProgram.end());
    build(words);
    child_.emplace(std::vector<std::string>{folder_.path() + "/program"}, environment);
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
  }
};

} // namespace lpc::test
