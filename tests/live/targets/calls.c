/* A thread in each kind of blocking system call, or in those that are named.
     calls [--limit MILLISECONDS | --alone] [NAME…]
   Prints "missing NAME ERRNO" for what this kernel does not offer, then "ready N" when N of them sleep. Then lines of
   input: call     "outer N", which is 2 (1001 when patched) (empty)  everyone is given what it waits for signal
   everyone is sent a signal that has a handler, without SA_RESTART; those that no signal ends, then get theirs wait
   nobody is given anything: all must end by time half     (with --limit) "half", when half of the time of the last one
   is over After one of the first three of those a line for each in the order of the table: "NAME RESULT ERRNO early|ok
   MILLISECONDS", early if it returned before it was given anything (or before its time), again if it took more than one
   signal; then "end".
   --limit: only the calls that end by time, after so long. --alone: the first thread has a seccomp filter, which
   forbids nothing; for those who would rather not meddle with such threads. */
#define _GNU_SOURCE
#include "calls/files.h"
#include "calls/sockets.h"
#include "calls/sync.h"
#include "calls/waits.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

static struct call calls[] = {
    {"read-pipe", make_pipe, make_read_pipe, send_byte, 0},
    {"readv-pipe", make_pipe, make_readv, send_byte, 0},
    {"write-pipe", prepare_write_pipe, make_write_pipe, drain, 0},
    {"splice", two_pipes, make_splice, send_byte, 0},
    {"tee", two_pipes, make_tee, send_byte, 0},
    {"vmsplice", prepare_write_pipe, make_vmsplice, drain, 0},
    {"sendfile", prepare_sendfile, make_sendfile, drain, 0},
    {"open-fifo", prepare_fifo, make_fifo, finish_fifo, 0},
    {"open-fifo-write", prepare_fifo, make_fifo_write, finish_fifo, 0},
    {"read-tty", prepare_tty, make_tty, finish_tty, 0},
    {"eventfd", prepare_eventfd, make_eventfd, finish_eventfd, 0},
    {"timerfd", prepare_timerfd, make_timerfd, finish_timerfd, 0},
    {"signalfd", prepare_signalfd, make_signalfd, finish_signalfd, 0},
    {"inotify", prepare_inotify, make_inotify, send_byte, 0},
    {"flock", prepare_flock, make_flock, finish_flock, 0},
    {"fcntl-lock", prepare_fcntl_lock, make_fcntl_lock, finish_fcntl_lock, 0},
    {"fcntl-posix-lock", prepare_fcntl_lock, make_posix_lock, finish_fcntl_lock, 0},
    {"recv", make_sockets, make_recv, send_byte, 0},
    {"recv-timed", make_sockets_timed, make_recv, send_byte, TIMED},
    {"read-socket-timed", make_sockets_timed, make_read_pipe, send_byte, TIMED},
    {"recvmsg", make_sockets, make_recvmsg, send_byte, 0},
    {"recvmsg-timed", make_sockets_timed, make_recvmsg, send_byte, TIMED},
    {"recvmmsg-timed", make_sockets_timed, make_recvmmsg, send_byte, TIMED},
    {"send", prepare_send, make_send, drain, 0},
    {"send-timed", prepare_send_timed, make_send, drain, TIMED},
    {"sendmsg", prepare_send, make_sendmsg, drain, 0},
    {"accept", listen_at, make_accept, finish_accept, 0},
    {"accept-timed", prepare_accept_timed, make_accept, finish_accept, TIMED},
    {"connect", prepare_connect, make_connect, finish_connect, 0},
    {"connect-timed", prepare_connect, make_connect_timed, finish_connect, TIMED},
    {"connect-tcp", prepare_connect_tcp, make_connect_tcp, finish_connect_tcp, 0},
    {"connect-tcp-timed", prepare_connect_tcp, make_connect_tcp_timed, finish_connect_tcp, TIMED},
    {"poll", make_pipe, make_poll, send_byte, 0},
    {"poll-timed", make_pipe, make_poll_timed, send_byte, TIMED},
    {"ppoll", make_pipe, make_ppoll, send_byte, TIMED},
    {"select", make_pipe, make_select, send_byte, TIMED},
    {"pselect", make_pipe, make_pselect, send_byte, TIMED},
    {"epoll_wait", make_pipe, make_epoll_wait, send_byte, 0},
    {"epoll_wait-timed", make_pipe, make_epoll_wait_timed, send_byte, TIMED},
    {"epoll_pwait", make_pipe, make_epoll_pwait, send_byte, 0},
    {"epoll_pwait-timed", make_pipe, make_epoll_pwait_timed, send_byte, TIMED},
    {"epoll_pwait2", make_pipe, make_epoll_pwait2, send_byte, TIMED},
    {"nanosleep", NULL, make_nanosleep, NULL, SLEEP},
    {"clock_nanosleep", NULL, make_clock_nanosleep, NULL, SLEEP},
    {"clock_nanosleep-until", NULL, make_clock_nanosleep_until, NULL, SLEEP},
    {"sigtimedwait", NULL, make_sigtimedwait, finish_usr2, TIMED},
    {"sigwaitinfo", NULL, make_sigwaitinfo, finish_usr2, 0},
    {"pause", NULL, make_pause, signal_thread, 0},
    {"sigsuspend", NULL, make_sigsuspend, signal_thread, 0},
    {"wait4", child_that_reads, make_wait4, send_byte, 0},
    {"waitid", child_that_reads, make_waitid, send_byte, 0},
    {"io_getevents", prepare_io_getevents, make_io_getevents, finish_io_getevents, 0},
    {"io_getevents-timed", prepare_io_getevents, make_io_getevents_timed, finish_io_getevents, TIMED},
    {"io_pgetevents", prepare_io_getevents, make_io_pgetevents, finish_io_getevents, 0},
    {"io_uring_enter", prepare_io_uring_enter, make_io_uring_enter, finish_io_uring_enter, 0},
    {"io_uring_enter-timed", prepare_io_uring_enter, make_io_uring_enter_timed, finish_io_uring_enter, TIMED},
    {"futex", NULL, make_futex, finish_futex, 0},
    {"futex-timed", NULL, make_futex_timed, finish_futex, TIMED},
    {"futex-until", NULL, make_futex_until, finish_futex, TIMED},
    {"futex_waitv-until", NULL, make_futex_waitv, finish_futex, TIMED},
    {"mutex", prepare_held, make_mutex, finish_futex, STEADFAST},
    {"mutex-until", prepare_held, make_mutex_timed, finish_futex, TIMED | STEADFAST},
    {"mutex-inheriting", prepare_held_inheriting, make_mutex, finish_futex, STEADFAST},
    {"rwlock", prepare_held, make_rwlock, finish_futex, STEADFAST},
    {"join", prepare_held, make_join, finish_futex, STEADFAST},
    {"barrier", prepare_free, make_barrier, finish_barrier, STEADFAST},
    {"condition", prepare_free, make_condition, finish_condition, STEADFAST},
    {"condition-until", prepare_free, make_condition_timed, finish_condition, TIMED | STEADFAST},
    {"sem_wait", prepare_free, make_sem_wait, finish_sem_wait, 0},
    {"sem_timedwait-until", prepare_free, make_sem_timedwait, finish_sem_wait, TIMED},
    {"semop", prepare_semaphore, make_semop, finish_semaphore, 0},
    {"semtimedop", prepare_semaphore, make_semtimedop, finish_semaphore, TIMED},
    {"msgrcv", prepare_message, make_msgrcv, finish_message, 0},
    {"msgsnd", prepare_message_full, make_msgsnd, finish_message_full, 0},
    {"mq_receive", prepare_queue, make_mq_receive, finish_mq_receive, 0},
    {"mq_timedreceive-until", prepare_queue, make_mq_timedreceive, finish_mq_receive, TIMED},
    {"mq_send", prepare_queue_full, make_mq_send, finish_mq_send, 0},
};
/* What has done a part of its work when it sleeps; only where they are named. */
static struct call partly[] = {
    {"partly-write-pipe", prepare_write_large, make_write_large, drain, 0},
    {"partly-send", make_sockets, make_write_large, drain, 0},
    {"partly-recv-all", prepare_recv_all, make_recv_all, finish_recv_all, 0},
    {"partly-io_uring_enter", prepare_io_uring_enter, make_io_uring_enter_submit, finish_io_uring_enter, 0},
};
enum { kCalls = sizeof calls / sizeof calls[0], kPartly = sizeof partly / sizeof partly[0] };

static struct call *chosen[kCalls + kPartly];
static int made, limited;

__attribute__((noinline)) int outer(int x) {
  __asm__ volatile("nop; nop; nop; nop; nop");
  return x + 1;
}
int (*volatile callee)(int) = outer;

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *run(void *argument) {
  struct call *c = argument;
  sigset_t blocked = only(SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &blocked, NULL);
  long start = milliseconds();
  c->tid = (int)syscall(SYS_gettid);
  errno = 0;
  c->result = c->make(c);
  c->error = c->result < 0 ? errno : 0;
  c->milliseconds = milliseconds() - start;
  c->early = !c->finished;
  if (c->traits & SLEEP) c->early = c->result == 0 && c->milliseconds < nap.tv_sec * 1000 + nap.tv_nsec / 1000000;
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

static void start(struct call *c) {
  if (c->prepare && c->prepare(c)) {
    printf("missing %s %d\n", c->name, errno);
    return;
  }
  c->finished = limited;
  if (pthread_create(&c->thread, NULL, run, c)) abort();
  while (!c->tid || !asleep(c->tid))
    sched_yield();
  chosen[made++] = c;
}

static int wanted(const struct call *c, int named, char **names) {
  for (int i = 0; i < named; i++)
    if (!strcmp(names[i], c->name)) return 1;
  return !named && (!limited || (c->traits & (TIMED | SLEEP))) && strncmp(c->name, "partly-", 7) != 0;
}

static void filter_first_thread(void) {
  struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog filter = {1, &allow};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) abort();
}

/* Once; and again where the first was handled between two calls, as it may be when a call begins anew. */
static void signal_until_over(struct call *c) {
  long start = milliseconds();
  if (!c->over) pthread_kill(c->thread, SIGUSR1);
  for (long now; !c->over && !(c->traits & STEADFAST); sched_yield()) {
    if ((now = milliseconds()) < start + 1000) continue;
    pthread_kill(c->thread, SIGUSR1);
    start = now, c->again = 1;
  }
}

static void give(const char *what) {
  int signals = !strcmp(what, "signal\n"), time = !strcmp(what, "wait\n");
  for (int i = 0; signals && i < made; i++)
    chosen[i]->finished = 1; /* some calls also end for other reasons when signals are about */
  for (int i = 0; i < made; i++) {
    struct call *c = chosen[i];
    c->finished = 1;
    if (signals) signal_until_over(c);
    if (c->finish && !time) c->finish(c);
  }
  for (int i = 0; i < made; i++) {
    struct call *c = chosen[i];
    while (!c->over)
      usleep(100);
    printf("%s %ld %d %s %ld\n", c->name, c->result, c->error,
           c->early   ? "early"
           : c->again ? "again"
                      : "ok",
           c->milliseconds);
  }
  puts("end");
}

int main(int count, char **words) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigaction(SIGUSR1, &action, NULL);
  sigset_t hup = only(SIGHUP);
  sigprocmask(SIG_BLOCK, &hup, NULL); /* for signalfd alone */
  setvbuf(stdout, NULL, _IOLBF, 0);

  int alone = count > 1 && !strcmp(words[1], "--alone");
  limited = count > 2 && !strcmp(words[1], "--limit");
  if (limited) {
    long time = atol(words[2]);
    nap = limit = (struct timespec){time / 1000, time % 1000 * 1000000};
  }
  int options = limited ? 2 : alone;
  for (int i = 0; i < kCalls + kPartly; i++) {
    struct call *c = i < kCalls ? &calls[i] : &partly[i - kCalls];
    if (wanted(c, count - 1 - options, words + 1 + options)) start(c);
  }
  struct timespec half = {limit.tv_sec / 2, (limit.tv_sec % 2 * 1000000000 + limit.tv_nsec) / 2};
  half = from_now(CLOCK_MONOTONIC, half);
  if (alone) filter_first_thread();
  printf("ready %d\n", made);

  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    if (!strcmp(line, "call\n")) {
      printf("outer %d\n", callee(1));
    } else if (!strcmp(line, "half\n")) {
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &half, NULL);
      puts("half");
    } else {
      give(line);
      return 0;
    }
  }
  return 1;
}
