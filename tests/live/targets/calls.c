/* A thread in each kind of blocking system call. Prints "ready N" when all of them sleep. At a line of input everyone
   is given what it waits for; then a line for each: "NAME RESULT ERRNO early|ok", early if it returned before that (or
   before its time); then "end". Calls that this kernel does not offer are named in lines "missing NAME" before "ready".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct call {
  const char *name;
  int (*prepare)(struct call *); /* 0, or not 0 where the call is not to be had */
  long (*make)(struct call *);   /* in its own thread */
  void (*finish)(struct call *); /* from the first thread */
  int a, b;                      /* descriptors and the like */
  unsigned int word;
  unsigned long context;
  void *area;
  pthread_t thread;
  atomic_int tid, finished, over;
  long result;
  int error, early;
};

static const struct timespec minute = {60, 0};
static const struct timeval minute_val = {60, 0};

#define PREPARE(NAME) static int prepare_##NAME(struct call *c)
#define MAKE(NAME) static long make_##NAME(struct call *c)
#define FINISH(NAME) static void finish_##NAME(struct call *c)

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
static int make_sockets_timed(struct call *c) {
  return make_sockets(c) || setsockopt(c->a, SOL_SOCKET, SO_RCVTIMEO, &minute_val, sizeof minute_val) ||
         setsockopt(c->a, SOL_SOCKET, SO_SNDTIMEO, &minute_val, sizeof minute_val);
}
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
static void drain(struct call *c) {
  fcntl(c->b, F_SETFL, O_NONBLOCK);
  static char sink[1 << 20];
  for (int i = 0; i < 64; i++)
    if (read(c->b, sink, sizeof sink) < 0) sched_yield();
}

/* SIGHUP stays blocked everywhere: it is for signalfd alone. */
MAKE(read_pipe) {
  char x;
  return read(c->a, &x, 1);
}
MAKE(write_pipe) { return write(c->a, bytes_for_many, 4096); }
PREPARE(write_pipe) {
  int ends[2];
  if (pipe(ends)) return 1;
  c->a = ends[1], c->b = ends[0];
  return fill_up(c->a);
}

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
MAKE(send) { return send(c->a, bytes_for_many, 4096, 0); }
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
PREPARE(accept_timed) {
  return listen_at(c) || setsockopt(c->a, SOL_SOCKET, SO_RCVTIMEO, &minute_val, sizeof minute_val);
}
MAKE(accept) { return accept(c->a, NULL, NULL); }
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
FINISH(connect) {
  fcntl(c->a, F_SETFL, O_NONBLOCK);
  while (accept(c->a, NULL, NULL) >= 0) {
  } /* room in the queue */
}

MAKE(poll) {
  struct pollfd p = {c->a, POLLIN, 0};
  return poll(&p, 1, -1);
}
MAKE(poll_timed) {
  struct pollfd p = {c->a, POLLIN, 0};
  return poll(&p, 1, 60000);
}
MAKE(ppoll) {
  struct pollfd p = {c->a, POLLIN, 0};
  sigset_t others = only(SIGHUP);
  return ppoll(&p, 1, &minute, &others);
}
MAKE(select) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(c->a, &set);
  struct timeval t = minute_val;
  return select(c->a + 1, &set, NULL, NULL, &t);
}
MAKE(pselect) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(c->a, &set);
  sigset_t others = only(SIGHUP);
  return pselect(c->a + 1, &set, NULL, NULL, &minute, &others);
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
  return epoll_wait(epoll_of(c), &e, 1, 60000);
}
MAKE(epoll_pwait) {
  struct epoll_event e;
  sigset_t others = only(SIGHUP);
  return epoll_pwait(epoll_of(c), &e, 1, -1, &others);
}
MAKE(epoll_pwait2) {
  struct epoll_event e;
  return epoll_pwait2(epoll_of(c), &e, 1, &minute, NULL);
}

static long slept(const struct timespec *since, long milliseconds, long result) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long passed = (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
  return passed < milliseconds ? -2 : result;
}
enum { kSleep = 1200 };
MAKE(nanosleep) {
  (void)c;
  struct timespec start, length = {1, 200000000};
  clock_gettime(CLOCK_MONOTONIC, &start);
  return slept(&start, kSleep, nanosleep(&length, NULL));
}
MAKE(clock_nanosleep) {
  (void)c;
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  end = start;
  end.tv_sec += 2;
  return slept(&start, 2000, -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL));
}
FINISH(nothing) { (void)c; }

MAKE(sigtimedwait) {
  (void)c;
  sigset_t set = only(SIGUSR2);
  return sigtimedwait(&set, NULL, &minute);
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

PREPARE(semaphore) {
  c->a = semget(IPC_PRIVATE, 1, 0600);
  return c->a < 0;
}
MAKE(semop) {
  struct sembuf op = {0, -1, 0};
  return semop(c->a, &op, 1);
}
MAKE(semtimedop) {
  struct sembuf op = {0, -1, 0};
  return semtimedop(c->a, &op, 1, &minute);
}
FINISH(semaphore) {
  struct sembuf op = {0, 1, 0};
  semop(c->a, &op, 1);
  pthread_join(c->thread, NULL);
  semctl(c->a, 0, IPC_RMID);
}
PREPARE(message) {
  c->a = msgget(IPC_PRIVATE, 0600);
  return c->a < 0;
}
MAKE(msgrcv) {
  struct {
    long type;
    char x;
  } m;
  return msgrcv(c->a, &m, 1, 0, 0);
}
FINISH(message) {
  struct {
    long type;
    char x;
  } m = {1, 'x'};
  msgsnd(c->a, &m, 1, 0);
  pthread_join(c->thread, NULL);
  msgctl(c->a, IPC_RMID, NULL);
}

PREPARE(io_getevents) {
  if (syscall(SYS_io_setup, 1, &c->context)) return 1;
  return make_pipe(c);
}
MAKE(io_getevents) {
  struct io_event e;
  return syscall(SYS_io_getevents, c->context, 1L, 1L, &e, NULL);
}
FINISH(io_getevents) {
  static struct iocb poll_request;
  static struct iocb *list = &poll_request;
  poll_request.aio_lio_opcode = 5 /* IOCB_CMD_POLL */, poll_request.aio_fildes = (unsigned)c->b,
  poll_request.aio_buf = POLLOUT;
  syscall(SYS_io_submit, c->context, 1L, &list);
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
FINISH(io_uring_enter) {
  __atomic_store_n((unsigned *)c->area, 1, __ATOMIC_RELEASE);
  syscall(SYS_io_uring_enter, c->a, 1, 0, 0, NULL, 0);
}

MAKE(futex) { return syscall(SYS_futex, &c->word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); }
MAKE(futex_timed) { return syscall(SYS_futex, &c->word, FUTEX_WAIT_PRIVATE, 0, &minute, NULL, 0); }
FINISH(futex) { /* the word changes first: a call that was made again must not sleep on */
  __atomic_store_n(&c->word, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &c->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int two_files(struct call *c) {
  char name[] = "/tmp/lpc-calls-XXXXXX";
  c->a = mkstemp(name), c->b = open(name, O_RDWR);
  unlink(name);
  return c->a < 0 || c->b < 0;
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
MAKE(waitpid) { return waitpid((pid_t)c->word, NULL, 0); }
MAKE(waitid) {
  siginfo_t info;
  return waitid(P_PID, c->word, &info, WEXITED);
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
  snprintf(c->area, 64, "/tmp/lpc-calls-fifo-%d", getpid());
  return mkfifo(c->area, 0600);
}
MAKE(fifo) { return open(c->area, O_RDONLY); }
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

static struct call calls[] = {
    {"read-pipe", make_pipe, make_read_pipe, send_byte},
    {"write-pipe", prepare_write_pipe, make_write_pipe, drain},
    {"recv", make_sockets, make_recv, send_byte},
    {"recv-timed", make_sockets_timed, make_recv, send_byte},
    {"read-socket-timed", make_sockets_timed, make_read_pipe, send_byte},
    {"recvmsg", make_sockets, make_recvmsg, send_byte},
    {"recvmsg-timed", make_sockets_timed, make_recvmsg, send_byte},
    {"recvmmsg-timed", make_sockets_timed, make_recvmmsg, send_byte},
    {"send", prepare_send, make_send, drain},
    {"send-timed", prepare_send_timed, make_send, drain},
    {"accept", listen_at, make_accept, finish_accept},
    {"accept-timed", prepare_accept_timed, make_accept, finish_accept},
    {"connect", prepare_connect, make_connect, finish_connect},
    {"poll", make_pipe, make_poll, send_byte},
    {"poll-timed", make_pipe, make_poll_timed, send_byte},
    {"ppoll", make_pipe, make_ppoll, send_byte},
    {"select", make_pipe, make_select, send_byte},
    {"pselect", make_pipe, make_pselect, send_byte},
    {"epoll_wait", make_pipe, make_epoll_wait, send_byte},
    {"epoll_wait-timed", make_pipe, make_epoll_wait_timed, send_byte},
    {"epoll_pwait", make_pipe, make_epoll_pwait, send_byte},
    {"epoll_pwait2", make_pipe, make_epoll_pwait2, send_byte},
    {"nanosleep", NULL, make_nanosleep, finish_nothing},
    {"clock_nanosleep", NULL, make_clock_nanosleep, finish_nothing},
    {"sigtimedwait", NULL, make_sigtimedwait, finish_usr2},
    {"sigwaitinfo", NULL, make_sigwaitinfo, finish_usr2},
    {"pause", NULL, make_pause, signal_thread},
    {"sigsuspend", NULL, make_sigsuspend, signal_thread},
    {"signalfd", prepare_signalfd, make_signalfd, finish_signalfd},
    {"semop", prepare_semaphore, make_semop, finish_semaphore},
    {"semtimedop", prepare_semaphore, make_semtimedop, finish_semaphore},
    {"msgrcv", prepare_message, make_msgrcv, finish_message},
    {"io_getevents", prepare_io_getevents, make_io_getevents, finish_io_getevents},
    {"io_uring_enter", prepare_io_uring_enter, make_io_uring_enter, finish_io_uring_enter},
    {"futex", NULL, make_futex, finish_futex},
    {"futex-timed", NULL, make_futex_timed, finish_futex},
    {"flock", prepare_flock, make_flock, finish_flock},
    {"fcntl-lock", prepare_fcntl_lock, make_fcntl_lock, finish_fcntl_lock},
    {"waitpid", child_that_reads, make_waitpid, send_byte},
    {"waitid", child_that_reads, make_waitid, send_byte},
    {"eventfd", prepare_eventfd, make_eventfd, finish_eventfd},
    {"timerfd", prepare_timerfd, make_timerfd, finish_timerfd},
    {"inotify", prepare_inotify, make_inotify, send_byte},
    {"open-fifo", prepare_fifo, make_fifo, finish_fifo},
    {"read-tty", prepare_tty, make_tty, finish_tty},
};
enum { kCalls = sizeof calls / sizeof calls[0] };

static void *run(void *argument) {
  struct call *c = argument;
  sigset_t blocked = only(SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &blocked, NULL);
  c->tid = (int)syscall(SYS_gettid);
  errno = 0;
  c->result = c->make(c);
  c->error = c->result < 0 ? errno : 0;
  c->early = c->finish == finish_nothing ? c->result == -2 : !c->finished;
  c->over = 1;
  return NULL;
}

static int asleep(int tid) {
  char name[64], text[512] = "";
  snprintf(name, sizeof name, "/proc/self/task/%d/stat", tid);
  FILE *file = fopen(name, "r");
  if (!file) return 1; /* over already */
  int ok = fgets(text, sizeof text, file) && strrchr(text, ')') && strrchr(text, ')')[2] == 'S';
  fclose(file);
  return ok;
}

static void on_signal(int number) { (void)number; }

int main(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigaction(SIGUSR1, &action, NULL);
  sigset_t hup = only(SIGHUP);
  sigprocmask(SIG_BLOCK, &hup, NULL);
  int made = 0;
  for (int i = 0; i < kCalls; i++) {
    struct call *c = &calls[i];
    if (c->prepare && c->prepare(c)) {
      printf("missing %s %d\n", c->name, errno);
      c->make = NULL;
      continue;
    }
    if (pthread_create(&c->thread, NULL, run, c)) return 1;
    made++;
  }
  for (int i = 0; i < kCalls; i++)
    while (calls[i].make && (!calls[i].tid || !asleep(calls[i].tid)))
      sched_yield();
  printf("ready %d\n", made);
  fflush(stdout);
  for (int c; (c = getchar()) != '\n';)
    if (c == EOF) return 1;
  for (int i = 0; i < kCalls; i++) {
    struct call *c = &calls[i];
    if (!c->make) continue;
    c->finished = 1;
    c->finish(c);
  }
  for (int i = 0; i < kCalls; i++) {
    struct call *c = &calls[i];
    if (!c->make) continue;
    while (!c->over)
      sched_yield();
    printf("%s %ld %d %s\n", c->name, c->result, c->error, c->early ? "early" : "ok");
  }
  puts("end");
  fflush(stdout);
  return 0;
}
