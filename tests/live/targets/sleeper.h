/* A thread named "sleeper" that is asleep, in `inner`, while a function of the program is active; until "go" comes on
   standard input. Then it calls that function again and again. Lines of input: go     it wakes; "gone" when it has
   called the function twice since call   "outer N": what the function gives for 1, which is 2; 0 where it would sleep
   in it arm    it is to fall asleep at its next call; "asleep" when it does For C and C++. */
#pragma once

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static int wake[2];
static int sleeping, gone, calls;
static const char *mode;
static ucontext_t home, other;

static int is(const char *name) { return !strcmp(mode, name); }
static int get(const int *flag) { return __atomic_load_n(flag, __ATOMIC_SEQ_CST); }
static void set(int *flag, int value) { __atomic_store_n(flag, value, __ATOMIC_SEQ_CST); }

static void sleep_until_go(void) {
  char c;
  set(&sleeping, 1);
  if (read(wake[0], &c, 1) != 1) abort();
  set(&gone, 1);
}

/* Sleeps once; later calls return at once. Payloads call it, too. */
#ifdef __cplusplus
extern "C"
#endif
    __attribute__((noinline)) void
    inner(void) {
  if (get(&gone)) return;
  if (is("suspended")) {
    swapcontext(&other, &home); /* the thread goes on elsewhere */
  } else if (is("vdso") || is("spinning")) {
    struct timespec t;
    set(&sleeping, 1);
    while (!get(&gone))
      if (is("vdso")) clock_gettime(CLOCK_MONOTONIC, &t);
  } else {
    sleep_until_go();
  }
}

static void wait_for(const int *flag) {
  while (!get(flag))
    usleep(100);
}

static int serve(int (*volatile *function)(int), void *(*sleeper)(void *), int armed) {
  pthread_t thread;
  set(&gone, !armed);
  if (pipe(wake) || pthread_create(&thread, NULL, sleeper, NULL)) return 1;
  if (armed) wait_for(&sleeping);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready\n");
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    if (!strcmp(line, "go\n")) {
      if (is("vdso") || is("spinning")) set(&gone, 1);
      if (write(wake[1], "x", 1) != 1) return 1;
      wait_for(&gone);
      for (int before = get(&calls); get(&calls) < before + 2;)
        usleep(100);
      printf("gone\n");
    } else if (!strcmp(line, "arm\n")) {
      set(&sleeping, 0), set(&gone, 0);
      wait_for(&sleeping);
      printf("asleep\n");
    } else {
      printf("outer %d\n", get(&gone) ? (*function)(1) : 0);
    }
  }
  return 0;
}
