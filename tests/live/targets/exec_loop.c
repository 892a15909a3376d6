/* Executes itself over and over, each time from another thread than the first, with others asleep. Prints "ready" in
   the first generation; ends when the file named by its first argument is there. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

volatile int number = 5, other = 5;
static char **arguments;

static void *sleep_long(void *unused) {
  for (;;)
    pause();
  return unused;
}

static void *execute(void *unused) {
  execv("/proc/self/exe", arguments);
  abort();
  return unused;
}

int main(int argc, char **argv) {
  char *again[] = {argv[0], argv[1], "again", NULL};
  if (argc < 2) return 2;
  if (argc == 2) puts("ready"), fflush(stdout);
  if (access(argv[1], F_OK) == 0) return 0;
  arguments = again;
  pthread_t thread;
  for (int i = 0; i < 3; i++)
    pthread_create(&thread, NULL, sleep_long, NULL);
  pthread_create(&thread, NULL, execute, NULL);
  for (;;)
    pause();
}
