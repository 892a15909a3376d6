/* Threads are born and die all the time: four that each create and join one thread after the other. Prints "ready", and
   for each line of input how many there have been. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_ulong births;

static void *child(void *unused) {
  atomic_fetch_add(&births, 1);
  return unused;
}

static void *parent(void *attributes) {
  for (;;) {
    pthread_t thread;
    if (!pthread_create(&thread, attributes, child, NULL)) pthread_join(thread, NULL);
  }
  return NULL;
}

int main(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (int i = 0; i < 4; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, parent, &small)) return 1;
  }
  puts("ready");
  fflush(stdout);
  for (int c; (c = getchar()) != EOF;)
    if (c == '\n') printf("births %lu\n", atomic_load(&births)), fflush(stdout);
  return 0;
}
