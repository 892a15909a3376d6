/* The first thread ends, another lives on: it prints "ready" when the first has become a zombie, and ends with the
 * input. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *live_on(void *first) {
  pthread_join(*(pthread_t *)first, NULL);
  /* Joined is not yet ended for the kernel: wait until /proc says so. */
  for (char line[256] = "";;) {
    FILE *stat = fopen("/proc/self/stat", "r");
    if (stat && fgets(line, sizeof line, stat) && strstr(line, ") Z")) break;
    if (stat) fclose(stat);
  }
  printf("ready\n");
  fflush(stdout);
  while (getchar() != EOF) {
  }
  _exit(0);
}

int main(void) {
  static pthread_t first, other;
  first = pthread_self();
  pthread_create(&other, NULL, live_on, &first);
  pthread_exit(NULL);
}
