/* sleeper MODE: where its thread sleeps (sleeper.h).
     direct     outer itself sleeps
     deep       three frames further in
     handler    a signal handler on its alternate stack sleeps, which interrupted outer
     coroutine  outer sleeps on a stack made by makecontext
     vdso       outer spins on clock_gettime
     jumped     outer sleeps after a longjmp has led back into it
     leaf       a function without calls, whose variables lie below the stack pointer, spins
     tail       a function has left itself by a tail call, to one that sleeps
     suspended  outer is left by a coroutine that is to go on later; its thread sleeps elsewhere
     late       nobody sleeps, until "arm" comes; then outer, or what is in its place */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>

#include "sleeper.h"

__attribute__((noinline)) int middle(int x) {
  volatile int spoils_tail_call = x;
  inner();
  return spoils_tail_call + 1;
}
static void handler(int signal) {
  (void)signal;
  inner();
}
static jmp_buf back;
__attribute__((noinline)) static void jump_back(void) { longjmp(back, 1); }

__attribute__((noinline)) int outer(int x) {
  volatile int result = x;
  if (is("handler")) {
    if (!get(&gone)) pthread_kill(pthread_self(), SIGUSR1);
  } else if (is("deep") || is("coroutine") || is("suspended")) {
    result = middle(x) - 1;
  } else if (is("jumped") && !get(&gone)) {
    if (setjmp(back) == 0) jump_back();
    inner();
  } else {
    inner();
  }
  return result + 1;
}
__attribute__((noinline)) int leaf(int x) {
  volatile int below[16];
  below[3] = x;
  __atomic_store_n(&sleeping, 1, __ATOMIC_SEQ_CST);
  while (!__atomic_load_n(&gone, __ATOMIC_RELAXED))
    below[x & 15]++;
  return (below[3] = x) + 1;
}
__attribute__((noinline)) int tail(int x) {
  __asm__ volatile("nop; nop; nop; nop; nop");
  return middle(x);
}
static int (*volatile callee)(int) = outer;

static void coroutine(void) {
  int result = callee(1);
  if (result != 2) abort(); /* what was begun in the old code ends in the old code */
}

static void *sleeper(void *unused) {
  prctl(PR_SET_NAME, "sleeper");
  static char stack[64 << 10], alternate[64 << 10];
  stack_t own = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&own, NULL);
  if (is("coroutine") || is("suspended")) {
    getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = sizeof stack;
    other.uc_link = &home;
    makecontext(&other, coroutine, 0);
    swapcontext(&home, &other);
    if (is("suspended")) {
      sleep_until_go();
      swapcontext(&home, &other);
    }
  }
  for (;;) {
    callee(1);
    __atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST);
    usleep(200);
  }
  return unused;
}

int main(int argc, char **argv) {
  mode = argc > 1 ? argv[1] : "direct";
  if (is("leaf")) callee = leaf;
  if (is("tail")) callee = tail;
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, NULL);
  if (is("leaf")) mode = "spinning";
  return serve(&callee, sleeper, !is("late"));
}
