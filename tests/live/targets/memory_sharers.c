/* memory_sharers MODE: a process whose memory another process shares, that is no thread of it.
     sibling   clone(CLONE_VM): a child that does nothing but sleep
     orphan    the child made a child of its own in the same way, and has ended
     later     nobody, until the line "clone" comes; then a child is made, and "child PID" said
     spawns    nobody for good: a thread starts and ends programs with posix_spawn all the time
   Says "ready PID" (of the other one; 0: none). Lines of input: "end": the other one ends ("ended"); other lines are
   answered with "number N" (5). */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

volatile int number = 5, other = 5;
static char stacks[2][64 << 10];
static volatile int grandchild;
static int go_on[2];

static int sleeps(void *unused) {
  (void)unused;
  for (;;)
    syscall(SYS_pause);
}
static int leaves_one(void *unused) {
  grandchild = clone(sleeps, stacks[1] + sizeof stacks[1], CLONE_VM, NULL);
  syscall(SYS_exit, 0);
  return unused != NULL;
}
static void *spawn(void *unused) {
  char *words[] = {"true", NULL};
  for (;;) {
    pid_t pid;
    if (posix_spawn(&pid, "/bin/true", NULL, NULL, words, words + 1)) abort();
    waitpid(pid, NULL, 0);
  }
  return unused;
}

int main(int count, char **words) {
  const char *mode = count > 1 ? words[1] : "sibling";
  pid_t made = 0;
  pthread_t thread;
  char line[64];
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (pipe(go_on)) return 1;
  if (!strcmp(mode, "spawns") && pthread_create(&thread, NULL, spawn, NULL)) return 1;
  if (!strcmp(mode, "sibling")) made = clone(sleeps, stacks[0] + sizeof stacks[0], CLONE_VM | SIGCHLD, NULL);
  if (!strcmp(mode, "orphan")) {
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that it can be waited for at the end */
    pid_t child = clone(leaves_one, stacks[0] + sizeof stacks[0], CLONE_VM | SIGCHLD, NULL);
    if (waitpid(child, NULL, 0) != child || grandchild <= 0) return 1;
    made = grandchild;
  }
  printf("ready %d\n", made);
  while (fgets(line, sizeof line, stdin))
    if (!strcmp(line, "clone\n")) {
      made = clone(sleeps, stacks[0] + sizeof stacks[0], CLONE_VM | SIGCHLD, NULL);
      printf("child %d\n", made);
    } else if (!strcmp(line, "end\n")) {
      kill(made, SIGKILL);
      while (waitpid(made, NULL, __WALL) != made) {
      }
      printf("ended\n");
    } else {
      printf("number %d\n", number);
    }
  if (made > 0) kill(made, SIGKILL);
  return 0;
}
