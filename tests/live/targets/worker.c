// worker N: N threads, all but the first at work with malloc; prints where its functions are, for the tests of workers.
// Each line of input is answered by a line that says how often the others have gone round, and what `note` has counted.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_ulong rounds;
static int noted;
static _Thread_local int own = 7;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static int ended;

static long six(long a, long b, long c, long d, long e, long f) {
  return a + 10 * (b + 10 * (c + 10 * (d + 10 * (e + 10 * f))));
}
// What only a real thread can do.
static long note(long by) {
  char *text = malloc(100000);
  memset(text, 1, 100000);
  pthread_mutex_lock(&lock);
  noted += (int)by * text[99999];
  pthread_mutex_unlock(&lock);
  free(text);
  pthread_setspecific(key, &noted); // its destructor runs when the thread ends
  return own++;
}
static long crash(void) { return *(volatile long *)16; }
static long fail(void) { abort(); }
static long loop(void) {
  for (;;)
    rounds += 0;
}
static long sleepy(void) { return pause(); }
static long deep(volatile char *above) {
  volatile char here[4096];
  here[0] = above ? above[0] : 1;
  return deep(here) + here[0];
}
static long leave(void) { pthread_exit(NULL); }
static long spoil(void) { // its own way out does not work
  memset((char *)pthread_self() + 24, 0xff, 600);
  return *(volatile long *)16;
}
static long write_line(void) { return printf("hello from a worker\n"); }

static void finish(void *counter) {
  (void)counter;
  ended++;
}
static void *work(void *unused) {
  for (;;) {
    void *volatile block = malloc(64 + rounds % 5000);
    free(block);
    rounds++;
  }
  return unused;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  pthread_key_create(&key, finish);
  for (int i = 1; i < (argc > 1 ? atoi(argv[1]) : 1); i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL)) return 1;
  }
  printf("ready %p %p %p %p %p %p %p %p %p %p\n", (void *)six, (void *)note, (void *)crash, (void *)fail, (void *)loop,
         (void *)sleepy, (void *)deep, (void *)leave, (void *)spoil, (void *)write_line);
  char line[64];
  while (fgets(line, sizeof line, stdin))
    printf("rounds %lu noted %d ended %d\n", (unsigned long)rounds, noted, ended);
  return 0;
}
