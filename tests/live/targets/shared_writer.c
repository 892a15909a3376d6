// Shares a word with children that write 0 to it all the time, until a line "end" comes; prints where it is.
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kWriters = 4 }; // on a busy machine one alone would seldom have its turn

static pid_t writers[kWriters];

static void end(void) {
  for (int i = 0; i < kWriters; i++) {
    if (writers[i] <= 0) continue;
    kill(writers[i], SIGKILL);
    waitpid(writers[i], NULL, 0);
    writers[i] = 0;
  }
}

int main(void) {
  atomic_int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t parent = getpid();
  for (int i = 0; i < kWriters; i++) {
    writers[i] = fork();
    if (writers[i] != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) return 1;
    for (;;) atomic_store_explicit(word, 0, memory_order_relaxed);
  }
  printf("ready %p\n", (void *)word);
  fflush(stdout);
  char line[16];
  while (fgets(line, sizeof line, stdin)) {
    if (line[0] == 'e') end();
    printf("word %d\n", atomic_load(word));
    fflush(stdout);
  }
  end();
  return 0;
}
