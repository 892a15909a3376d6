// statements: what the statements of the language change, one of each; answers commands, a line each:
//   call    what the functions give and the variables hold
//   hold    lets a thread enter commit() and stay there: "held"
//   free    lets it leave: "free"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
  unsigned limit;
  char name[12];
};
struct config first = {10, "first"};
struct config *volatile current = &first;
volatile unsigned version = 7;
int sideCalls;
char *volatile number = "12";

__attribute__((noinline, noclone)) int ready(int x) { return x < 0 ? x : 0; }
int (*volatile readyCall)(int) = ready;
__attribute__((noinline, noclone)) long level(long x) { return x + (long)version; }
long (*volatile levelCall)(long) = level;

__attribute__((used)) void side(void) { sideCalls++; }
// int answer(int x) { side(); return x + 1; }, with its instructions where the patch says they are.
int answer(int x);
__asm__(".text\n.globl answer\n.type answer, @function\n"
        "answer:\n"
        "  push %rbx\n"         // +0
        "  mov %edi, %ebx\n"    // +1
        "  call side\n"         // +3
        "  lea 1(%rbx), %eax\n" // +8
        "  pop %rbx\n"
        "  ret\n"
        ".size answer, . - answer\n");

static sem_t go, leave;
static atomic_int inside;
__attribute__((noinline, noclone)) int commit(void) {
  atomic_store(&inside, 1);
  sem_wait(&leave);
  atomic_store(&inside, 0);
  return 1;
}

static void *work(void *unused) {
  (void)unused;
  for (;;) {
    sem_wait(&go);
    commit();
  }
}

int main(void) {
  sem_init(&go, 0, 0);
  sem_init(&leave, 0, 0);
  pthread_t thread;
  if (pthread_create(&thread, NULL, work, NULL)) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready\n");
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    if (!strcmp(line, "hold\n")) {
      sem_post(&go);
      while (!atomic_load(&inside)) {
      }
      printf("held\n");
    } else if (!strcmp(line, "free\n")) {
      sem_post(&leave);
      while (atomic_load(&inside)) {
      }
      printf("free\n");
    } else {
      sideCalls = 0;
      int result = answer(4);
      printf("ready %d level %ld answer %d side %d limit %u name %s version %u", readyCall(1), levelCall(1), result,
             sideCalls, current->limit, current->name, version);
      printf(" number %ld\n", strtol(number, NULL, 10));
    }
  }
  return 0;
}
