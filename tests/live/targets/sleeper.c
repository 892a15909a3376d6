// sleeper MODE: a thread named "sleeper" is asleep while `outer` is active, until `go` comes on standard input; then it calls it again and
// again. Answers `call` with what outer_result(1) gives.
//   direct     outer itself sleeps
//   deep       three frames further in
//   handler    a signal handler on its alternate stack sleeps, which interrupted outer
//   coroutine  outer sleeps on a stack made by makecontext
//   vdso       outer spins on clock_gettime
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static int wake[2];
static atomic_int sleeping, gone, calls;
static const char *mode;
static ucontext_t home, other;

// Sleeps once; later calls return at once.
__attribute__((noinline)) void inner(void) {
  char c;
  if (atomic_load(&gone)) return;
  atomic_store(&sleeping, 1);
  if (!strcmp(mode, "vdso")) {
    struct timespec t;
    while (!atomic_load(&gone)) clock_gettime(CLOCK_MONOTONIC, &t);
  } else if (read(wake[0], &c, 1) != 1)
    abort();
  atomic_store(&gone, 1);
}
__attribute__((noinline)) int middle(int x) {
  volatile int spoils_tail_call = x;
  inner();
  return spoils_tail_call + 1;
}
static void handler(int signal) {
  (void)signal;
  inner();
}

// The function that is to be replaced.
__attribute__((noinline)) int outer(int x) {
  volatile int result = x;
  if (!strcmp(mode, "handler")) {
    if (!atomic_load(&gone)) pthread_kill(pthread_self(), SIGUSR1);
  } else if (!strcmp(mode, "deep") || !strcmp(mode, "coroutine")) {
    result = middle(x) - 1;
  } else {
    inner();
  }
  return result + 1;
}
int (*volatile callee)(int) = outer;

static void coroutine(void) { callee(1); }

static void *sleeper(void *unused) {
  (void)unused;
  prctl(PR_SET_NAME, "sleeper");
  static char stack[64 << 10], alternate[64 << 10];
  stack_t own = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&own, NULL);
  if (!strcmp(mode, "coroutine")) {
    getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = sizeof stack;
    other.uc_link = &home;
    makecontext(&other, coroutine, 0);
    swapcontext(&home, &other);
  }
  for (;;) {
    callee(1);
    atomic_fetch_add(&calls, 1);
    usleep(200);
  }
}

int main(int argc, char **argv) {
  mode = argc > 1 ? argv[1] : "direct";
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  pthread_t thread;
  if (pipe(wake) || pthread_create(&thread, NULL, sleeper, NULL)) return 1;
  while (!atomic_load(&sleeping)) usleep(100);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready\n");
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    if (!strcmp(line, "go\n")) {
      atomic_store(&gone, !strcmp(mode, "vdso"));
      if (write(wake[1], "x", 1) != 1) return 1;
      int before = atomic_load(&calls);
      while (atomic_load(&calls) < before + 2) usleep(100);
      printf("gone\n");
    } else {
      printf("outer %d\n", atomic_load(&gone) ? callee(1) : 0);
    }
  }
  return 0;
}
