/* many N: a master and N servers that it forks, each on the abstract socket "lpc-many-MASTER-I" (0 is the master's own).
   "ready" when all listen. A connection is one byte and its answer:
     a  the digit that answer() gives: 1
     h  'y': from now on a thread is inside answer(), for good
     f  'y': a child, forked by this one, serves "lpc-many-MASTER-P" as well, where P is its process id
     p  its process id, in digits
   All end with the master. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static pid_t master;
static volatile int inside;

__attribute__((noinline)) int answer(int how) {
  if (how) {
    inside = 1;
    for (;;)
      pause();
  }
  return 1 + how;
}
int (*volatile callee)(int) = answer;

static int listenAs(long name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "lpc-many-%d-%ld", master, name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 1 + (unsigned)length) != 0 ||
      listen(fd, 64) != 0)
    _exit(1);
  return fd;
}

static void *holder(void *unused) {
  (void)callee(1);
  return unused;
}

/* The listening socket of the child; -1 in the parent. */
static int forked(void) {
  int ready[2];
  char c = 0;
  if (pipe(ready) != 0) _exit(1);
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = listenAs(getpid());
    if (write(ready[1], "y", 1) != 1) _exit(1);
    close(ready[0]);
    close(ready[1]);
    return fd;
  }
  close(ready[1]);
  if (child < 0 || read(ready[0], &c, 1) != 1) _exit(1);
  close(ready[0]);
  return -1;
}

static void serve(int listening) {
  for (;;) {
    int fd = accept(listening, NULL, NULL);
    char what = 0, text[16] = "";
    if (fd < 0 || read(fd, &what, 1) != 1) {
      close(fd);
      continue;
    }
    if (what == 'a') snprintf(text, sizeof text, "%d", callee(0));
    if (what == 'p') snprintf(text, sizeof text, "%d", getpid());
    if (what == 'h') {
      pthread_t thread;
      if (pthread_create(&thread, NULL, holder, NULL) != 0) _exit(1);
      while (!inside)
        usleep(100);
      strcpy(text, "y");
    }
    if (what == 'f') {
      int child = forked();
      if (child >= 0) {
        close(fd);
        close(listening);
        listening = child;
        continue;
      }
      strcpy(text, "y");
    }
    if (write(fd, text, strlen(text)) < 0) _exit(1);
    close(fd);
  }
}

int main(int argc, char **argv) {
  int servers = argc > 1 ? atoi(argv[1]) : 0, ready[2];
  char c = 0;
  master = getpid();
  signal(SIGCHLD, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  if (pipe(ready) != 0) return 1;
  for (int i = 1; i <= servers; i++) {
    pid_t child = fork();
    if (child < 0) return 1;
    if (child > 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = listenAs(i);
    if (write(ready[1], "y", 1) != 1) return 1;
    close(ready[0]);
    close(ready[1]);
    serve(fd);
  }
  close(ready[1]);
  int fd = listenAs(0);
  for (int i = 0; i < servers; i++)
    if (read(ready[0], &c, 1) != 1) return 1;
  close(ready[0]);
  puts("ready");
  fflush(stdout);
  serve(fd);
  return 0;
}
