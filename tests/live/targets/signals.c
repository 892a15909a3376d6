/* Counts the real-time signals it gets: the value of each must be one more than that of the last. Some threads run,
   some sleep; the first one takes the signals, or, with an argument, one that runs. Prints "ready", and for each line
   of input "count N wrong M". */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_long count, wrong;

static void handler(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  /* One thread takes them (the others block the signal), so the order of delivery is that of the queue. */
  if (info->si_value.sival_int != atomic_fetch_add(&count, 1)) atomic_fetch_add(&wrong, 1);
}

static sigset_t set;

static void *spin(void *takes) {
  if (takes) pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  for (volatile unsigned long i = 0;; i++) {
  }
}

static void *sleep_long(void *unused) {
  (void)unused;
  for (;;)
    poll(NULL, 0, -1);
}

int main(int argc, char **argv) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler, action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGRTMIN, &action, NULL);
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, spin, argc > 1 ? argv[1] : NULL);
  pthread_create(&thread, NULL, sleep_long, NULL);
  if (argc == 1) sigprocmask(SIG_UNBLOCK, &set, NULL);
  puts("ready");
  fflush(stdout);
  char line[64];
  size_t size = 0;
  for (;;) {
    ssize_t got = read(0, line + size, 1);
    if (got == 0) return 0;
    if (got < 0) continue;
    if (line[0] == '\n') printf("count %ld wrong %ld\n", atomic_load(&count), atomic_load(&wrong)), fflush(stdout);
  }
}
