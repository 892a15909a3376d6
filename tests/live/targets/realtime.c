/* realtime: two threads that spin in real time (SCHED_FIFO), on one processor, the first one that it may use; its first
   thread, of a higher priority, answers lines with "number N" (5). Says "ready PROCESSOR", or "unsupported". Ends
   itself after half a minute, whatever happens: nothing else runs on that processor. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

volatile int number = 5, other = 5;

static void *spin(void *unused) {
  struct sched_param below = {.sched_priority = 50};
  if (sched_setscheduler(0, SCHED_FIFO, &below)) abort();
  for (volatile unsigned turns = 0;; turns++) {
  }
  return unused;
}

int main(void) {
  cpu_set_t all, one;
  int first = 0;
  char line[64];
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(30);
  if (sched_getaffinity(0, sizeof all, &all)) return 1;
  while (!CPU_ISSET(first, &all))
    first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  struct sched_param mine = {.sched_priority = 60};
  if (CPU_COUNT(&all) < 2 || sched_setaffinity(0, sizeof one, &one) || sched_setscheduler(0, SCHED_FIFO, &mine)) {
    printf("unsupported\n");
    return 0;
  }
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, spin, NULL)) return 1;
  }
  printf("ready %d\n", first);
  while (fgets(line, sizeof line, stdin))
    printf("number %d\n", number);
  return 0;
}
