// service N: N threads, all but the first calling func_J all the time; the first answers commands, a line each:
//   call    what func_J(41) gives and the variables hold, and how many wrong results the threads have seen
//   quit    ends
// A result of func_J(x) is right when it is x + 1 (old) or x * 100 (new).
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *str_P = "the original message";
int number = 5;
char text[64] = "some text";
unsigned char table[32] = {1, 2, 3, 4};
volatile int step = 1;
static atomic_int wrong;

__attribute__((noinline)) int func_J(int x) { return x + step; }
int (*volatile callee)(int) = func_J; // a call that cannot be seen through

static void *work(void *unused) {
  (void)unused;
  for (int x = 2;; x = x % 1000 + 2) {
    int result = callee(x);
    if (result != x + 1 && result != x * 100) atomic_fetch_add(&wrong, 1);
    usleep(500);
  }
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  for (int i = 1; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, work, NULL)) return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready\n");
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    if (!strcmp(line, "quit\n")) return 0;
    printf("func_J %d str_P %s number %d text %s table", callee(41), str_P, number, text);
    for (int i = 0; i < 6; i++) printf(" %02x", table[i]);
    printf(" wrong %d\n", atomic_load(&wrong));
  }
  return 0;
}
