/* A process with many threads: crowd THREADS SPINNERS. Spinners count up; the others sleep on a futex. Prints
   "ready THREADS COUNTERS", where COUNTERS is the address of the spinners' 64-bit counters, one a cache line, and
   answers each line of input with "alive" once every sleeper has been woken and has slept again. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { kMost = 4096 };
static struct {
  _Alignas(64) volatile unsigned long count;
} counters[kMost];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t round_begins = PTHREAD_COND_INITIALIZER, answered = PTHREAD_COND_INITIALIZER;
static unsigned long round_number;
static int answers, started;

static void *sleeper(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  started++;
  pthread_cond_signal(&answered);
  for (unsigned long seen = round_number;;) {
    while (seen == round_number)
      pthread_cond_wait(&round_begins, &lock);
    seen = round_number;
    answers++;
    pthread_cond_signal(&answered);
  }
}

static void *spinner(void *which) {
  pthread_mutex_lock(&lock);
  started++;
  pthread_cond_signal(&answered);
  pthread_mutex_unlock(&lock);
  volatile unsigned long *count = &counters[(size_t)which].count;
  for (;;)
    ++*count;
  return NULL;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1, spinners = argc > 2 ? atoi(argv[2]) : 0;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (int i = 1; i < threads; i++) {
    pthread_t thread;
    int spins = i <= spinners;
    if (pthread_create(&thread, &small, spins ? spinner : sleeper, (void *)(size_t)(i - 1))) return 1;
  }
  pthread_mutex_lock(&lock);
  while (started < threads - 1)
    pthread_cond_wait(&answered, &lock);
  pthread_mutex_unlock(&lock);
  printf("ready %d %#lx\n", threads, (unsigned long)counters);
  fflush(stdout);
  for (int c; (c = getchar()) != EOF;) {
    if (c != '\n') continue;
    pthread_mutex_lock(&lock);
    answers = 0, round_number++;
    pthread_cond_broadcast(&round_begins);
    while (answers < threads - 1 - spinners)
      pthread_cond_wait(&answered, &lock);
    pthread_mutex_unlock(&lock);
    puts("alive");
    fflush(stdout);
  }
  return 0;
}
