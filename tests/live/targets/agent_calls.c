// One thread that waits in one kind of call, says so, and says what the call returned.
//   agent_calls KIND    prints "waiting", then "KIND RESULT ERRNO MILLISECONDS"
// The calls that wait for input get it on standard input.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void handler(int signal) { (void)signal; }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int epollOfInput(void) {
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event)) perror("epoll_ctl");
  return epoll;
}

static long waitIn(const char *kind) {
  static int word;
  char byte;
  struct timespec time = {0, 400000000};
  struct epoll_event event;
  struct pollfd input = {0, POLLIN, 0};
  sigset_t usr1, others;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigemptyset(&others);
  if (!strcmp(kind, "nanosleep")) return nanosleep(&time, NULL);
  if (!strcmp(kind, "futex")) return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
  if (!strcmp(kind, "poll-timeout")) return poll(NULL, 0, 400);
  if (!strcmp(kind, "poll")) return poll(&input, 1, -1);
  if (!strcmp(kind, "ppoll")) return ppoll(&input, 1, NULL, &others);
  if (!strcmp(kind, "select")) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(0, &set);
    return select(1, &set, NULL, NULL, NULL);
  }
  if (!strcmp(kind, "read")) return read(0, &byte, 1);
  if (!strcmp(kind, "epoll")) return epoll_wait(epollOfInput(), &event, 1, -1);
  if (!strcmp(kind, "epoll-timeout")) return epoll_wait(epollOfInput(), &event, 1, 10000);
  if (!strcmp(kind, "epoll-pwait")) return epoll_pwait(epollOfInput(), &event, 1, -1, &others);
  if (!strcmp(kind, "pause")) return pause();
  if (!strcmp(kind, "sigsuspend")) return sigsuspend(&others); // SIGUSR1 is blocked but for this
  if (!strcmp(kind, "sigtimedwait")) return sigtimedwait(&usr1, NULL, &(struct timespec){10, 0});
  if (!strcmp(kind, "wait")) {
    pid_t child = fork();
    if (child == 0) {
      read(0, &byte, 1);
      _exit(7);
    }
    int status = 0;
    pid_t ended = waitpid(child, &status, 0);
    return ended == child ? WEXITSTATUS(status) : -1;
  }
  if (!strcmp(kind, "recv") || !strcmp(kind, "recv-timeout")) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return -1;
    struct timeval limit = {10, 0};
    if (kind[4]) setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (fork() == 0) {
      read(0, &byte, 1);
      write(ends[1], "answer", 6);
      _exit(0);
    }
    char answer[16];
    return recv(ends[0], answer, sizeof answer, 0);
  }
  if (!strcmp(kind, "accept")) {
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof(sa_family_t);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1)) return -1;
    length = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &length);
    if (fork() == 0) {
      read(0, &byte, 1);
      int client = socket(AF_UNIX, SOCK_STREAM, 0);
      connect(client, (struct sockaddr *)&address, length);
      _exit(0);
    }
    return accept(listener, NULL, NULL) >= 0 ? 1 : -1;
  }
  fprintf(stderr, "unknown kind %s\n", kind);
  exit(2);
}

int main(int count, char **words) {
  if (count != 2) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGUSR1, &action, NULL);
  if (strstr(words[1], "sig")) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
  }
  printf("waiting\n");
  double began = now();
  errno = 0;
  long result = waitIn(words[1]);
  int error = result < 0 ? errno : 0;
  printf("%s %ld %d %.0f\n", words[1], result, error, now() - began);
  return 0;
}
