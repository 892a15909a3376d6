// Two threads count words, and print how many they have counted.
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((noinline)) int next_number(void) {
  static int number;
  return ++number > 0;
}

static void *count(void *name) {
  for (;;) {
    printf("%s: %s\n", (const char *)name, next_number() == 1 ? "one" : "many");
    usleep(100000);
  }
  return NULL;
}

int main(void) {
  pthread_t thread;
  setvbuf(stdout, NULL, _IOLBF, 0);
  pthread_create(&thread, NULL, count, "second");
  count("first");
}
