/* states MODE: a process in an awkward state. Says "ready"; answers a line with "number N" (N is 5). Uses bare read and
   write, for those who may do nothing else. plain       an ordinary one strict      seccomp mode 1: every call but
   read, write and exit ends it kill, errno seccomp filter that ends it for mmap, clone, open and the like, or has them
   fail with EPERM undumpable  PR_SET_DUMPABLE 0 crammed     all address space within 2 GiB of its code is taken vfork
   its one thread waits for the child of a vfork, until a line comes threads     another thread does, until then; the
   line is answered zombie      a child of it has ended, and it does not take notice; "ready PID" In the modes vfork and
   threads "child PID" comes before "ready". */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

volatile int number = 5, other = 5;
int answer(int x) { return x + number; }

static void say(const char *text) {
  if (write(1, text, strlen(text)) < 0) _exit(1);
}
static int line(void) {
  char c = 0;
  while (read(0, &c, 1) == 1 && c != '\n') {
  }
  return c == '\n';
}

#define ON(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, verdict)
static int filter(unsigned verdict) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ON(mmap),
      ON(mprotect),
      ON(munmap),
      ON(clone),
      ON(open),
      ON(openat),
      ON(memfd_create),
      ON(pwrite64),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* From 3 GiB below to 3 GiB above, 2 MiB at a time and then page by page where that was not to be had: whatever is free
   there is no more. */
static int cram(void) {
  enum { kBlock = 2 << 20, kPage = 4096 };
  static char whole[((uintptr_t)6 << 30) / kBlock];
  uintptr_t code = (uintptr_t)(void *)&number & ~(uintptr_t)(kBlock - 1), reach = (uintptr_t)3 << 30, begin = 0x10000;
  if (code > reach) begin = code - reach;
  for (uintptr_t size = kBlock; size >= kPage; size = size == kPage ? 0 : kPage)
    for (uintptr_t at = begin; at < code + reach; at += size) {
      if (size == kPage && whole[(at - begin) / kBlock]) {
        at += kBlock - size;
        continue;
      }
      void *made =
          mmap((void *)at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
      if (made == MAP_FAILED && errno != EEXIST && errno != EPERM) return 1;
      if (size == kBlock) whole[(at - begin) / kBlock] = made != MAP_FAILED;
    }
  return 0;
}

static int wake[2], asked[2];
static void wait_in_vfork(void) {
  char c;
  pid_t child = vfork();
  if (child == 0) {
    char text[32] = "child ", *at = text + 20;
    *--at = 0, *--at = '\n';
    for (int pid = (int)syscall(SYS_getpid); pid; pid /= 10)
      *--at = (char)('0' + pid % 10);
    memmove(text + 6, at, strlen(at) + 1);
    say(text);
    say("ready\n");
    _exit(read(wake[0], &c, 1) != 1);
  }
  waitpid(child, NULL, 0);
}
static void *in_vfork(void *unused) {
  wait_in_vfork();
  if (write(asked[1], "x", 1) != 1) abort();
  for (;;)
    pause();
  return unused;
}

int main(int count, char **words) {
  const char *mode = count > 1 ? words[1] : "plain";
  char c;
  int failed = pipe(wake) || pipe(asked), said = 0;
  if (!strcmp(mode, "kill")) failed |= filter(SECCOMP_RET_KILL_PROCESS);
  if (!strcmp(mode, "errno")) failed |= filter(SECCOMP_RET_ERRNO | EPERM);
  if (!strcmp(mode, "undumpable")) failed |= prctl(PR_SET_DUMPABLE, 0);
  if (!strcmp(mode, "crammed")) failed |= cram();
  if (!strcmp(mode, "strict")) failed |= prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
  if (!strcmp(mode, "zombie")) {
    siginfo_t info;
    pid_t child = fork();
    if (child == 0) _exit(0);
    failed |= waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    printf("ready %d\n", child), fflush(stdout), said = 1;
  }
  if (!strcmp(mode, "vfork")) {
    /* The line is for the child: standard input takes the place of the pipe. */
    wake[0] = 0;
    wait_in_vfork(), say("done\n"), said = 1;
  }
  pthread_t thread;
  int threads = !strcmp(mode, "threads");
  if (threads) failed |= pthread_create(&thread, NULL, in_vfork, NULL), said = 1;
  if (failed) say("failed\n");
  if (!said) say("ready\n");
  for (int first = 1; line(); first = 0) {
    char answer[] = "number 0\n";
    if (threads && first && (write(wake[1], "x", 1) != 1 || read(asked[0], &c, 1) != 1)) abort();
    answer[7] = (char)('0' + number);
    say(answer);
  }
  return 0;
}
