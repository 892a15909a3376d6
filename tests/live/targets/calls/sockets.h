/* Sockets, and waiting for several descriptors at once. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/un.h>

#include "base.h"
#include "files.h"

MAKE(recv) {
  char x;
  return recv(c->a, &x, 1, 0);
}
MAKE(recvmsg) {
  char x;
  struct iovec part = {&x, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  return recvmsg(c->a, &message, 0);
}
MAKE(recvmmsg) {
  char x;
  struct iovec part = {&x, 1};
  struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
  return recvmmsg(c->a, &message, 1, 0, NULL);
}
MAKE(recv_all) {
  static char all[1 << 16];
  return recv(c->a, all, sizeof all, MSG_WAITALL);
}
PREPARE(recv_all) { return make_sockets(c) || write(c->b, bytes_for_many, 1000) != 1000; }
FINISH(recv_all) {
  fcntl(c->b, F_SETFL, O_NONBLOCK);
  for (long sent = 1000; sent < 1 << 16 && !c->over;) {
    ssize_t now = write(c->b, bytes_for_many, (size_t)((1 << 16) - sent));
    if (now > 0) sent += now;
  }
}
MAKE(send) { return send(c->a, bytes_for_many, 4096, 0); }
MAKE(sendmsg) {
  struct iovec part = {bytes_for_many, 4096};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  return sendmsg(c->a, &message, 0);
}
PREPARE(send) { return make_sockets(c) || fill_up(c->a); }
PREPARE(send_timed) { return make_sockets_timed(c) || fill_up(c->a); }

static int listen_at(struct call *c) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "lpc-calls-%d-%s", getpid(), c->name);
  c->a = socket(AF_UNIX, SOCK_STREAM, 0);
  return bind(c->a, (struct sockaddr *)&address, sizeof address) || listen(c->a, 0);
}
static int connect_to(struct call *c, int flags) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "lpc-calls-%d-%s", getpid(), c->name);
  int fd = socket(AF_UNIX, SOCK_STREAM | flags, 0);
  return connect(fd, (struct sockaddr *)&address, sizeof address);
}
PREPARE(accept_timed) { return listen_at(c) || time_limits(c->a); }
MAKE(accept) { return accept(c->a, NULL, NULL) < 0 ? -1 : 0; }
FINISH(accept) {
  if (connect_to(c, 0)) abort();
}
PREPARE(connect) {
  if (listen_at(c)) return 1;
  while (connect_to(c, SOCK_NONBLOCK) == 0) {
  } /* until its queue is full */
  return 0;
}
MAKE(connect) { return connect_to(c, 0); }
MAKE(connect_timed) {
  struct sockaddr_un address;
  socklen_t size = sizeof address;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (getsockname(c->a, (struct sockaddr *)&address, &size) || time_limits(fd)) return -3;
  return connect(fd, (struct sockaddr *)&address, size);
}
FINISH(connect) {
  fcntl(c->a, F_SETFL, O_NONBLOCK);
  while (accept(c->a, NULL, NULL) >= 0) {
  } /* room in the queue */
}

/* A listener whose queue is full does not answer: the connection is asked for again after 1, 3, 7 s. */
PREPARE(connect_tcp) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  c->a = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(c->a, (struct sockaddr *)&address, size) || listen(c->a, 0) ||
      getsockname(c->a, (struct sockaddr *)&address, &size))
    return 1;
  c->b = socket(AF_INET, SOCK_STREAM, 0);
  return connect(c->b, (struct sockaddr *)&address, size);
}
static long connect_tcp(struct call *c, int timed) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (getsockname(c->a, (struct sockaddr *)&address, &size) || (timed && time_limits(fd))) return -3;
  return connect(fd, (struct sockaddr *)&address, size);
}
MAKE(connect_tcp) { return connect_tcp(c, 0); }
MAKE(connect_tcp_timed) { return connect_tcp(c, 1); }
FINISH(connect_tcp) {
  if (accept(c->a, NULL, NULL) < 0) abort();
}

MAKE(poll) {
  struct pollfd p = {c->a, POLLIN, 0};
  return poll(&p, 1, -1);
}
MAKE(poll_timed) {
  struct pollfd p = {c->a, POLLIN, 0};
  return poll(&p, 1, limit_ms());
}
MAKE(ppoll) {
  struct pollfd p = {c->a, POLLIN, 0};
  sigset_t others = only(SIGHUP);
  return ppoll(&p, 1, &limit, &others);
}
MAKE(select) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(c->a, &set);
  struct timeval t = limit_val();
  return select(c->a + 1, &set, NULL, NULL, &t);
}
MAKE(pselect) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(c->a, &set);
  sigset_t others = only(SIGHUP);
  return pselect(c->a + 1, &set, NULL, NULL, &limit, &others);
}

static int epoll_of(struct call *c) {
  struct epoll_event event = {.events = EPOLLIN};
  int fd = epoll_create1(0);
  return epoll_ctl(fd, EPOLL_CTL_ADD, c->a, &event) ? -1 : fd;
}
MAKE(epoll_wait) {
  struct epoll_event e;
  return epoll_wait(epoll_of(c), &e, 1, -1);
}
MAKE(epoll_wait_timed) {
  struct epoll_event e;
  return epoll_wait(epoll_of(c), &e, 1, limit_ms());
}
MAKE(epoll_pwait) {
  struct epoll_event e;
  sigset_t others = only(SIGHUP);
  return epoll_pwait(epoll_of(c), &e, 1, -1, &others);
}
MAKE(epoll_pwait_timed) {
  struct epoll_event e;
  sigset_t others = only(SIGHUP);
  return epoll_pwait(epoll_of(c), &e, 1, limit_ms(), &others);
}
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
MAKE(epoll_pwait2) {
  struct epoll_event e;
  return syscall(SYS_epoll_pwait2, epoll_of(c), &e, 1, &limit, NULL, 0);
}
