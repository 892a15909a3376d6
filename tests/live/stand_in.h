// A program with an allocator of our making, which is strict about threads, and whose only thread waits in many ways.
#pragma once

#include <fcntl.h>

#include "tests/live/dlopen.h"

namespace lpc::test {

// As allocators are: in a thread whose variables nobody has set up it fails for good, it has a lock, and it leaves
// traces in `errno` and the vector registers. A block of 4711 bytes takes until a byte comes through the FIFO of $GATE,
// with the lock held, and one of 4712 bytes until a handler of SIGUSR1 has returned.
constexpr const char *kStrictAllocator = R"(
  #include <errno.h>
  #include <fcntl.h>
  #include <pthread.h>
  #include <signal.h>
  #include <stddef.h>
  #include <stdlib.h>
  #include <unistd.h>
  void *__libc_calloc(size_t, size_t), *__libc_malloc(size_t);
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static __thread long state = 4711;
  static void enter(void) {
    if (state != 4711) __builtin_trap();
    state = 1;
    pthread_mutex_lock(&lock);
    errno = 33;
    __asm__ volatile("pxor %%xmm0, %%xmm0; pxor %%xmm1, %%xmm1; pxor %%xmm7, %%xmm7; pxor %%xmm15, %%xmm15"
                     ::: "xmm0", "xmm1", "xmm7", "xmm15");
  }
  static void leave(void) { pthread_mutex_unlock(&lock); state = 4711; }
  void *calloc(size_t count, size_t size) {
    enter();
    void *block = __libc_calloc(count, size);
    leave();
    return block;
  }
  void *malloc(size_t size) {
    char byte;
    enter();
    if (size == 4711) {
      int gate = open(getenv("GATE"), O_RDONLY);
      if (read(gate, &byte, 1) != 1) __builtin_trap();
      close(gate);
    }
    if (size == 4712) raise(SIGUSR1);
    void *block = __libc_malloc(size);
    leave();
    return block;
  })";

// Every line names a way to wait, and is answered when that is over. `guarded` makes a system call with all registers
// full of patterns.
constexpr const char *kWaitingProgram = R"(
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <fenv.h>
  #include <pthread.h>
  #include <signal.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/epoll.h>
  #include <sys/poll.h>
  #include <sys/syscall.h>
  #include <time.h>
  #include <ucontext.h>
  #include <unistd.h>
  __attribute__((noinline)) int handle(int x) { __asm__ volatile("nop; nop; nop; nop; nop"); return x; }
  int (*volatile callee)(int) = handle;
  volatile int called, spin;
  __attribute__((noinline)) int note(int x) { called += x; return called; }

  static unsigned char before[16][32], after[16][32];
  #define SIXTEEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
  #define LOAD(i) "vmovdqu " #i "*32(%%r12), %%ymm" #i "\n"
  #define STORE(i) "vmovdqu %%ymm" #i ", " #i "*32(%%r13)\n"
  __attribute__((noinline)) static long guarded(long number, long first, long second, long third, long fourth, int *same) {
    unsigned char carry = 0;
    for (int i = 0; i < 16 * 32; i++) before[i / 32][i % 32] = (unsigned char)(i * 7 + number);
    memset(after, 0, sizeof after);
    errno = 77;
    fesetround(FE_UPWARD);
    long result = number;
    register long r8 __asm__("r8") = 0x0808, r9 __asm__("r9") = 0x0909, r10 __asm__("r10") = fourth;
    register void *r12 __asm__("r12") = before;
    register void *r13 __asm__("r13") = after;
    register long r14 __asm__("r14") = 0x1414, r15 __asm__("r15") = 0x1515;
    long rbx = 0x3b3b;
    __asm__ volatile(SIXTEEN(LOAD) "stc\n syscall\n setc %1\n" SIXTEEN(STORE) "vzeroupper\n"
                     : "+a"(result), "=m"(carry), "+b"(rbx), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r12), "+r"(r13), "+r"(r14),
                       "+r"(r15)
                     : "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    *same = carry && rbx == 0x3b3b && r8 == 0x0808 && r9 == 0x0909 && r10 == fourth && r12 == before && r13 == after &&
            r14 == 0x1414 && r15 == 0x1515;
    *same = *same && errno == 77 && fegetround() == FE_UPWARD && memcmp(before, after, sizeof before) == 0;
    fesetround(FE_TONEAREST);
    return result;
  }

  static int gate(void) { char byte; return (int)read(0, &byte, 1); }
  static int compare(const void *a, const void *b) { gate(); return *(const int *)a - *(const int *)b; }
  static void on_signal(int number) { if (number == SIGUSR2) spin = 0; else gate(); }
  static void *allocate(void *size) { void *volatile block = malloc((size_t)size); free(block); return NULL; }
  static ucontext_t here, there;
  static void coroutine(void) { gate(); }
  static char stack[65536];
  static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
  }

  int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGUSR1, on_signal), signal(SIGUSR2, on_signal);
    int epoll = epoll_create1(0), same, word = 0;
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    struct pollfd input = {0, POLLIN, 0};
    struct timespec second = {1, 0};
    puts("ready");
    for (char line[256];;) {
      long size = guarded(SYS_read, 0, (long)line, sizeof line - 1, 0, &same), begun = now(), result = 0;
      if (size <= 0) return 0;
      line[size] = 0;
      line[strcspn(line, "\n")] = 0;
      int numbers[] = {2, 1};
      pthread_t thread;
      switch (line[0]) {
      case 'r': result = size; break;
      case 'n': result = guarded(SYS_nanosleep, (long)&second, 0, 0, 0, &same); break;
      case 'e': result = guarded(SYS_epoll_wait, epoll, (long)&event, 1, -1, &same); gate(); break;
      case 'p': result = guarded(SYS_poll, (long)&input, 1, -1, 0, &same); gate(); break;
      case 'f': result = guarded(SYS_futex, (long)&word, 0, 0, (long)&second, &same); break;
      case 'm': allocate((void *)4711); break;
      case 'h': allocate((void *)4712); break;
      case 'q': qsort(numbers, 2, sizeof numbers[0], compare); break;
      case 'd': dlopen(line + 2, RTLD_NOW); break;
      case 's': for (spin = 1; spin;) __asm__ volatile("pause"); break;
      case 'a': atexit((void (*)(void))gate); puts("registered"); return 0;
      case 'w': system("read line"); break;
      case 'b': pthread_create(&thread, NULL, allocate, (void *)4711); break;
      case 'c':
        getcontext(&there), there.uc_stack.ss_sp = stack, there.uc_stack.ss_size = sizeof stack, there.uc_link = &here;
        makecontext(&there, coroutine, 0);
        swapcontext(&here, &there);
        break;
      }
      printf("result %ld same %d after %ld handle %d called %d\n", result, same, now() - begun, callee(1), called);
    }
  })";

class StandIns : public Dlopen {
protected:
  ~StandIns() override { close(gate_); }
  void SetUp() override {
    folder_.write("strict.c", kStrictAllocator);
    folder_.write("main.c", kWaitingProgram);
    folder_.write("payload.c", "int fixed(int x) { return x + 100; }\n");
    build({"gcc", "-O2", "-shared", "-fPIC", "-ftls-model=initial-exec", "-pthread", "-o", "strict.so", "strict.c"});
    build({"gcc", "-O2", "-rdynamic", "-pthread", "-o", "program", "main.c", "-ldl", "-lm"});
    build({"gcc", "-O2", "-shared", "-fPIC", "-o", "payload.so", "payload.c"});
    build({"mkfifo", folder_.path() + "/gate"});
    gate_ = open((folder_.path() + "/gate").c_str(), O_RDWR | O_CLOEXEC); // so that nobody waits for who opens it, too
    folder_.write("fix.lp", "target program\ndl p payload.so\njmp handle $p:fixed\non post-apply call note 1\n");
    run();
  }
  void run(const std::string &program = "program", bool preload = true) {
    std::vector<std::string> environment{"GATE=" + folder_.path() + "/gate"};
    if (preload) environment.push_back("LD_PRELOAD=" + folder_.path() + "/strict.so");
    child_.emplace(std::vector<std::string>{folder_.path() + "/" + program}, environment);
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
  }
  [[nodiscard]] std::string call() const {
    std::ifstream text("/proc/" + pid() + "/syscall");
    std::string line;
    std::getline(text, line);
    return line;
  }
  // Until it is in that state, in another call than that one (or in none).
  bool leaves(const std::string &commands, char state) {
    return eventually([&] {
      std::string now = call();
      return now != commands && now == call() && runtime::threadState(child_->pid(), child_->pid()) == state;
    });
  }
  RunResult applied(const std::string &timeout = "20s") {
    return lpc({"apply", "fix.lp", "--pid", pid(), "--timeout", timeout, "--max-pause", "1s"});
  }
  // For one that waits there, or comes.
  void openGate() const { EXPECT_EQ(write(gate_, "x", 1), 1); }
  int gate_ = -1;
};

} // namespace lpc::test
