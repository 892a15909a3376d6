/* What all kinds of blocking calls share. A kind is a row of the table in calls.c. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  TIMED = 1,     /* ends by itself after `limit` */
  SLEEP = 2,     /* ends by itself after `nap`, or `limit` where one was given, and in no other way */
  STEADFAST = 4, /* no signal ends it */
};

struct call {
  const char *name;
  int (*prepare)(struct call *); /* 0, or not 0 where the call is not to be had */
  long (*make)(struct call *);   /* in its own thread */
  void (*finish)(struct call *); /* from the first thread: what it waits for; NULL: nothing can be given */
  int traits;
  int a, b; /* descriptors and the like */
  unsigned int word;
  unsigned long context;
  void *area;
  pthread_t thread, other;
  atomic_int tid, finished, over;
  long result, milliseconds;
  int error, early, again;
};

#define PREPARE(NAME) static int prepare_##NAME(struct call *c)
#define MAKE(NAME) static long make_##NAME(struct call *c)
#define FINISH(NAME) static void finish_##NAME(struct call *c)

/* Of calls with a timeout: a minute, or what the command line says. */
static struct timespec limit = {60, 0};
static struct timespec nap = {1, 200000000};
static struct timeval limit_val(void) { return (struct timeval){limit.tv_sec, limit.tv_nsec / 1000}; }
static int limit_ms(void) { return (int)(limit.tv_sec * 1000 + limit.tv_nsec / 1000000); }
static struct timespec from_now(clockid_t clock, struct timespec time) {
  struct timespec now;
  clock_gettime(clock, &now);
  now.tv_sec += time.tv_sec, now.tv_nsec += time.tv_nsec;
  if (now.tv_nsec >= 1000000000) now.tv_sec++, now.tv_nsec -= 1000000000;
  return now;
}

static sigset_t only(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return set;
}

static int make_pipe(struct call *c) {
  int ends[2];
  if (pipe(ends)) return 1;
  c->a = ends[0], c->b = ends[1];
  return 0;
}
static int make_sockets(struct call *c) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return 1;
  c->a = ends[0], c->b = ends[1];
  return 0;
}
static int time_limits(int fd) {
  struct timeval time = limit_val();
  return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) ||
         setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}
static int make_sockets_timed(struct call *c) { return make_sockets(c) || time_limits(c->a); }

static void send_byte(struct call *c) {
  if (write(c->b, "x", 1) != 1) abort();
}
static void signal_thread(struct call *c) { pthread_kill(c->thread, SIGUSR1); }

static char bytes_for_many[1 << 20];
static int fill_up(int fd) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  while (write(fd, bytes_for_many, 4096) > 0) {
  }
  return fcntl(fd, F_SETFL, 0);
}
/* Takes what stands in c->b until the thread has what it wants. */
static void drain(struct call *c) {
  static char sink[1 << 20];
  fcntl(c->b, F_SETFL, O_NONBLOCK);
  while (!c->over)
    if (read(c->b, sink, sizeof sink) < 0) sched_yield();
}

static int two_files(struct call *c) {
  char name[] = "/tmp/lpc-calls-XXXXXX";
  c->a = mkstemp(name), c->b = open(name, O_RDWR);
  unlink(name);
  return c->a < 0 || c->b < 0;
}
