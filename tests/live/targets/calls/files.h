/* Pipes, files, terminals, and descriptors that report events. */
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#include "base.h"

MAKE(read_pipe) {
  char x;
  return read(c->a, &x, 1);
}
MAKE(readv) {
  char x;
  struct iovec part = {&x, 1};
  return readv(c->a, &part, 1);
}
MAKE(write_pipe) { return write(c->a, bytes_for_many, 4096); }
MAKE(write_large) { return write(c->a, bytes_for_many, sizeof bytes_for_many); }
PREPARE(write_pipe) {
  int ends[2];
  if (pipe(ends)) return 1;
  c->a = ends[1], c->b = ends[0];
  return fill_up(c->a);
}
/* Empty, so that a large write does a part of its work before it waits. */
PREPARE(write_large) {
  int ends[2];
  if (pipe(ends)) return 1;
  c->a = ends[1], c->b = ends[0];
  return 0;
}
MAKE(vmsplice) {
  struct iovec part = {bytes_for_many, 4096};
  return vmsplice(c->a, &part, 1, 0);
}
/* From an empty pipe into another. */
static int two_pipes(struct call *c) {
  int ends[2];
  if (make_pipe(c) || pipe(ends)) return 1;
  c->word = (unsigned)ends[1];
  return 0;
}
MAKE(splice) { return splice(c->a, NULL, (int)c->word, NULL, 4096, 0); }
MAKE(tee) { return tee(c->a, (int)c->word, 4096, 0); }
/* From a file into a full pipe. */
PREPARE(sendfile) {
  char name[] = "/tmp/lpc-calls-XXXXXX";
  if (prepare_write_pipe(c)) return 1;
  int file = mkstemp(name);
  unlink(name);
  c->word = (unsigned)file;
  return file < 0 || ftruncate(file, 4096);
}
MAKE(sendfile) {
  off_t from = 0;
  return sendfile(c->a, (int)c->word, &from, 4096);
}

PREPARE(flock) { return two_files(c) || flock(c->b, LOCK_EX); }
MAKE(flock) { return flock(c->a, LOCK_EX); }
FINISH(flock) { flock(c->b, LOCK_UN); }
static struct flock whole(short type) { return (struct flock){.l_type = type, .l_whence = SEEK_SET}; }
PREPARE(fcntl_lock) {
  struct flock lock = whole(F_WRLCK);
  return two_files(c) || fcntl(c->b, F_OFD_SETLK, &lock);
}
MAKE(fcntl_lock) {
  struct flock lock = whole(F_WRLCK);
  return fcntl(c->a, F_OFD_SETLKW, &lock);
}
FINISH(fcntl_lock) {
  struct flock lock = whole(F_UNLCK);
  fcntl(c->b, F_OFD_SETLK, &lock);
}
/* The other owner of a lock must be an open file description: a process does not wait for itself. */
MAKE(posix_lock) {
  struct flock lock = whole(F_WRLCK);
  return fcntl(c->a, F_SETLKW, &lock);
}

PREPARE(eventfd) {
  c->a = c->b = eventfd(0, 0);
  return c->a < 0;
}
MAKE(eventfd) {
  eventfd_t value;
  return read(c->a, &value, sizeof value);
}
FINISH(eventfd) { eventfd_write(c->a, 1); }
PREPARE(timerfd) {
  c->a = timerfd_create(CLOCK_MONOTONIC, 0);
  return c->a < 0;
}
MAKE(timerfd) {
  unsigned long long ticks;
  return read(c->a, &ticks, sizeof ticks);
}
FINISH(timerfd) {
  struct itimerspec soon = {{0, 0}, {0, 1}};
  timerfd_settime(c->a, 0, &soon, NULL);
}
PREPARE(inotify) {
  if (two_files(c)) return 1;
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", c->b);
  c->a = inotify_init1(0);
  return inotify_add_watch(c->a, name, IN_MODIFY) < 0;
}
MAKE(inotify) {
  char event[512];
  return read(c->a, event, sizeof event);
}
PREPARE(fifo) {
  c->area = malloc(64);
  snprintf(c->area, 64, "/tmp/lpc-calls-%d-%s", getpid(), c->name);
  return mkfifo(c->area, 0600);
}
MAKE(fifo) { return open(c->area, O_RDONLY) < 0 ? -1 : 0; }
FINISH(fifo) {
  c->b = open(c->area, O_RDWR);
  unlink(c->area);
}
PREPARE(tty) {
  c->b = posix_openpt(O_RDWR | O_NOCTTY);
  if (c->b < 0 || grantpt(c->b) || unlockpt(c->b)) return 1;
  c->a = open(ptsname(c->b), O_RDWR | O_NOCTTY);
  return c->a < 0;
}
MAKE(tty) {
  char line[16];
  return read(c->a, line, sizeof line);
}
FINISH(tty) {
  if (write(c->b, "x\n", 2) != 2) abort();
}
MAKE(fifo_write) { return open(c->area, O_WRONLY) < 0 ? -1 : 0; }
