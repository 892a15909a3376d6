// Threads that work, wait, wake each other and check themselves.
//   agent_busy SPINNERS SLEEPERS [PAIRS [TIMER_HZ]]
//     a spinner computes the same thing over and over and aborts when it comes out differently
//     a sleeper sleeps 1 ms at a time; a pair sends a token back and forth (futex there, pipe back)
//     TIMER_HZ: SIGALRM to the process
//   The first thread answers lines: "?" with "counts N N N …" (a count a thread, then the signals seen), "x" ends it
//   with status 7, "f" forks a child that says how many descriptors it has. SPINNERS = -1: the first thread alone,
//   spinning; prints "tick" now and then.
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4200 };
static volatile uint64_t counts[MOST];
static volatile uint64_t signals;
static int used;

// Written by the player in tests; the addresses are printed at the start.
volatile uint64_t agentWord = 0x1111111111111111;
volatile uint64_t agentMark = 0;
__attribute__((noinline, aligned(16))) int agentAnswer(int x) {
  __asm__ volatile("nop; nop; nop; nop; nop; nop; nop; nop");
  return x + 1;
}

static void onAlarm(int signal) {
  (void)signal;
  __atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
}

__attribute__((noinline)) static uint64_t work(uint64_t seed) {
  uint64_t hash = seed;
  double real = 1.0;
  for (int i = 0; i < 300; i++) {
    uint64_t low = hash * 0x9e3779b97f4a7c15u, rotated = (hash << (i & 63)) | (hash >> ((64 - i) & 63));
    hash = low ^ rotated ^ (hash > low ? 3 : 5);
    real = real * 1.0000001 + (double)(i & 7);
  }
  uint64_t bits;
  memcpy(&bits, &real, sizeof bits);
  return hash ^ bits;
}

static void *spin(void *slot) {
  uint64_t expected = work(42);
  for (;;) {
    if (work(42) != expected) abort();
    (*(volatile uint64_t *)slot)++;
  }
}

static void *sleepOften(void *slot) {
  for (;;) {
    struct timespec t = {0, 1000000};
    nanosleep(&t, NULL);
    (*(volatile uint64_t *)slot)++;
  }
}

struct pair {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  int token, back[2];
  volatile uint64_t *slot;
};

static void *serve(void *data) {
  struct pair *p = data;
  for (;;) {
    pthread_mutex_lock(&p->mutex);
    while (!p->token)
      pthread_cond_wait(&p->condition, &p->mutex);
    p->token = 0;
    pthread_mutex_unlock(&p->mutex);
    (*p->slot)++;
    if (write(p->back[1], "t", 1) != 1) abort();
  }
}

static void *ask(void *data) {
  struct pair *p = data;
  for (char byte;;) {
    pthread_mutex_lock(&p->mutex);
    p->token = 1;
    pthread_cond_signal(&p->condition);
    pthread_mutex_unlock(&p->mutex);
    ssize_t got = read(p->back[0], &byte, 1);
    if (got != 1) abort();
    struct timespec t = {0, 200000};
    nanosleep(&t, NULL);
  }
}

static void start(void *(*body)(void *), void *data) {
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  if (pthread_create(&thread, &attributes, body, data)) {
    perror("pthread_create");
    exit(2);
  }
}

static int descriptors(void) {
  int count = 0;
  DIR *directory = opendir("/proc/self/fd");
  while (directory && readdir(directory))
    count++;
  return count;
}

static void spinAlone(void) {
  uint64_t expected = work(42);
  for (uint64_t i = 1;; i++) {
    if (work(42) != expected) abort();
    if (i % 20000 == 0) printf("tick %d\n", agentAnswer(1));
  }
}

int main(int count, char **words) {
  int spinners = count > 1 ? atoi(words[1]) : 0, sleepers = count > 2 ? atoi(words[2]) : 0;
  int pairs = count > 3 ? atoi(words[3]) : 0, rate = count > 4 ? atoi(words[4]) : 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct sigaction action = {.sa_handler = onAlarm, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  if (spinners < 0) {
    printf("ready %p %p %p\n", (void *)&agentWord, (void *)&agentMark, (void *)(uintptr_t)agentAnswer);
    spinAlone();
  }
  for (int i = 0; i < spinners; i++)
    start(spin, (void *)&counts[used++]);
  for (int i = 0; i < sleepers; i++)
    start(sleepOften, (void *)&counts[used++]);
  for (int i = 0; i < pairs; i++) {
    struct pair *p = calloc(1, sizeof *p);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->condition, NULL);
    if (pipe(p->back)) abort();
    p->slot = &counts[used++];
    start(serve, p);
    start(ask, p);
  }
  if (rate) {
    struct itimerval timer = {{0, 1000000 / rate}, {0, 1000000 / rate}};
    setitimer(ITIMER_REAL, &timer, NULL);
  }
  printf("ready %p %p %p\n", (void *)&agentWord, (void *)&agentMark, (void *)(uintptr_t)agentAnswer);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    if (line[0] == 'x') return 7;
    if (line[0] == 'a')
      printf("answer %d %#lx %#lx\n", agentAnswer(1), (unsigned long)agentWord, (unsigned long)agentMark);
    if (line[0] == 'f') {
      fflush(stdout);
      if (fork() == 0) {
        printf("child %d\n", descriptors());
        fflush(stdout);
        _exit(0);
      }
      wait(NULL);
    }
    if (line[0] == '?') {
      printf("counts");
      for (int i = 0; i < used; i++)
        printf(" %lu", (unsigned long)counts[i]);
      printf(" %lu\n", (unsigned long)signals);
    }
  }
  return 0;
}
