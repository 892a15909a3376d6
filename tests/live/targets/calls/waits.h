/* Sleeping, waiting for signals, for children, and for requests to the kernel. */
#pragma once

#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base.h"

MAKE(nanosleep) {
  (void)c;
  return nanosleep(&nap, NULL);
}
static long clock_sleep(int flags, const struct timespec *time) {
  errno = clock_nanosleep(CLOCK_MONOTONIC, flags, time, NULL);
  return errno ? -1 : 0;
}
MAKE(clock_nanosleep) {
  (void)c;
  return clock_sleep(0, &nap);
}
MAKE(clock_nanosleep_until) {
  (void)c;
  struct timespec end = from_now(CLOCK_MONOTONIC, nap);
  return clock_sleep(TIMER_ABSTIME, &end);
}

MAKE(sigtimedwait) {
  (void)c;
  sigset_t set = only(SIGUSR2);
  return sigtimedwait(&set, NULL, &limit);
}
MAKE(sigwaitinfo) {
  (void)c;
  sigset_t set = only(SIGUSR2);
  return sigwaitinfo(&set, NULL);
}
FINISH(usr2) { pthread_kill(c->thread, SIGUSR2); }
MAKE(pause) {
  (void)c;
  return pause();
}
MAKE(sigsuspend) {
  (void)c;
  sigset_t others = only(SIGHUP);
  return sigsuspend(&others);
}
PREPARE(signalfd) {
  sigset_t set = only(SIGHUP);
  c->a = signalfd(-1, &set, 0);
  return c->a < 0;
}
MAKE(signalfd) {
  struct signalfd_siginfo info;
  return read(c->a, &info, sizeof info);
}
FINISH(signalfd) {
  (void)c;
  kill(getpid(), SIGHUP);
}

static int child_that_reads(struct call *c) {
  if (make_pipe(c)) return 1;
  c->word = (unsigned)fork();
  if (c->word == 0) {
    char x;
    close(c->b);
    _exit(read(c->a, &x, 1) == 1 ? 0 : 1);
  }
  return 0;
}
MAKE(wait4) { return waitpid((pid_t)c->word, NULL, 0) == (pid_t)c->word ? 0 : -1; }
MAKE(waitid) {
  siginfo_t info;
  return waitid(P_PID, c->word, &info, WEXITED);
}

PREPARE(io_getevents) {
  if (syscall(SYS_io_setup, 1, &c->context)) return 1;
  return make_pipe(c);
}
MAKE(io_getevents) {
  struct io_event e;
  return syscall(SYS_io_getevents, c->context, 1L, 1L, &e, NULL);
}
MAKE(io_getevents_timed) {
  struct io_event e;
  struct timespec time = limit;
  return syscall(SYS_io_getevents, c->context, 1L, 1L, &e, &time);
}
MAKE(io_pgetevents) {
  struct io_event e;
  return syscall(333 /* SYS_io_pgetevents */, c->context, 1L, 1L, &e, NULL, NULL);
}
FINISH(io_getevents) {
  struct iocb *request = calloc(1, sizeof *request);
  request->aio_lio_opcode = 5 /* IOCB_CMD_POLL */, request->aio_fildes = (unsigned)c->b, request->aio_buf = POLLOUT;
  syscall(SYS_io_submit, c->context, 1L, &request);
}
PREPARE(io_uring_enter) {
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
  c->a = (int)syscall(SYS_io_uring_setup, 4, &parameters);
  if (c->a < 0) return 1;
  size_t ring = parameters.sq_off.array + parameters.sq_entries * 4;
  char *sq = mmap(NULL, ring, PROT_READ | PROT_WRITE, MAP_SHARED, c->a, IORING_OFF_SQ_RING);
  struct io_uring_sqe *entries =
      mmap(NULL, 4 * sizeof *entries, PROT_READ | PROT_WRITE, MAP_SHARED, c->a, IORING_OFF_SQES);
  if (sq == MAP_FAILED || (void *)entries == MAP_FAILED) return 1;
  memset(entries, 0, sizeof *entries); /* IORING_OP_NOP, submitted by finish */
  *(unsigned *)(void *)(sq + parameters.sq_off.array) = 0;
  c->area = sq + parameters.sq_off.tail;
  return 0;
}
MAKE(io_uring_enter) { return syscall(SYS_io_uring_enter, c->a, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0); }
MAKE(io_uring_enter_timed) {
  struct {
    long long seconds, nanoseconds;
  } time = {limit.tv_sec, limit.tv_nsec};
  struct io_uring_getevents_arg argument = {.ts = (unsigned long)&time};
  return syscall(SYS_io_uring_enter, c->a, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument,
                 sizeof argument);
}
/* One is submitted, and two are waited for: what was submitted is told. */
MAKE(io_uring_enter_submit) {
  __atomic_store_n((unsigned *)c->area, 1, __ATOMIC_RELEASE);
  return syscall(SYS_io_uring_enter, c->a, 1, 2, IORING_ENTER_GETEVENTS, NULL, 0);
}
FINISH(io_uring_enter) {
  __atomic_add_fetch((unsigned *)c->area, 1, __ATOMIC_RELEASE);
  syscall(SYS_io_uring_enter, c->a, 1, 0, 0, NULL, 0);
}
