/* Futexes and what the C library makes of them; messages and semaphores. */
#pragma once

#include <linux/futex.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "base.h"

MAKE(futex) { return syscall(SYS_futex, &c->word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); }
MAKE(futex_timed) { return syscall(SYS_futex, &c->word, FUTEX_WAIT_PRIVATE, 0, &limit, NULL, 0); }
MAKE(futex_until) {
  struct timespec end = from_now(CLOCK_MONOTONIC, limit);
  return syscall(SYS_futex, &c->word, FUTEX_WAIT_BITSET_PRIVATE, 0, &end, NULL, ~0U);
}
MAKE(futex_waitv) {
  struct {
    unsigned long value, address;
    unsigned flags, reserved;
  } waiter = {0, (unsigned long)&c->word, 2 | FUTEX_PRIVATE_FLAG, 0}; /* 2: 32 bits */
  struct timespec end = from_now(CLOCK_MONOTONIC, limit);
  return syscall(449 /* SYS_futex_waitv */, &waiter, 1, 0, &end, CLOCK_MONOTONIC);
}
FINISH(futex) { /* the word changes first: a call that was made again must not sleep on */
  __atomic_store_n(&c->word, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &c->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* pthread functions give their error as the result. */
static long done(int error) {
  errno = error;
  return error ? -1 : 0;
}
/* A mutex that somebody else holds until `word` is 1. */
struct held {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  pthread_barrier_t barrier;
  pthread_rwlock_t rwlock;
  sem_t semaphore;
  atomic_int locked;
};
static struct held *held_of(struct call *c) { return c->area; }
static void *holder(void *argument) {
  struct call *c = argument;
  pthread_mutex_lock(&held_of(c)->mutex);
  pthread_rwlock_wrlock(&held_of(c)->rwlock);
  held_of(c)->locked = 1;
  while (!__atomic_load_n(&c->word, __ATOMIC_SEQ_CST))
    syscall(SYS_futex, &c->word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
  pthread_mutex_unlock(&held_of(c)->mutex);
  pthread_rwlock_unlock(&held_of(c)->rwlock);
  return NULL;
}
static int init_held(struct call *c, int protocol) {
  struct held *held = c->area = calloc(1, sizeof *held);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, protocol);
  return pthread_mutex_init(&held->mutex, &attributes) || pthread_cond_init(&held->condition, NULL) ||
         pthread_barrier_init(&held->barrier, NULL, 2) || pthread_rwlock_init(&held->rwlock, NULL) ||
         sem_init(&held->semaphore, 0, 0);
}
PREPARE(free) { return init_held(c, PTHREAD_PRIO_NONE); }
static int start_holder(struct call *c) {
  if (pthread_create(&c->other, NULL, holder, c)) return 1;
  while (!held_of(c)->locked)
    sched_yield();
  return 0;
}
PREPARE(held) { return prepare_free(c) || start_holder(c); }
PREPARE(held_inheriting) { return init_held(c, PTHREAD_PRIO_INHERIT) || start_holder(c); }
MAKE(mutex) { return done(pthread_mutex_lock(&held_of(c)->mutex)); }
MAKE(mutex_timed) {
  struct timespec end = from_now(CLOCK_REALTIME, limit);
  return done(pthread_mutex_timedlock(&held_of(c)->mutex, &end));
}
MAKE(rwlock) { return done(pthread_rwlock_rdlock(&held_of(c)->rwlock)); }
MAKE(join) { return done(pthread_join(c->other, NULL)); }
MAKE(barrier) { return done(pthread_barrier_wait(&held_of(c)->barrier) > 0); }
static void *meet(void *argument) {
  pthread_barrier_wait(&held_of(argument)->barrier);
  return NULL;
}
FINISH(barrier) {
  if (pthread_create(&c->other, NULL, meet, c)) abort();
}
static long on_condition(struct call *c, const struct timespec *end) {
  struct held *held = held_of(c);
  int error = 0;
  pthread_mutex_lock(&held->mutex);
  while (!held->locked && !error)
    error = end ? pthread_cond_timedwait(&held->condition, &held->mutex, end)
                : pthread_cond_wait(&held->condition, &held->mutex);
  pthread_mutex_unlock(&held->mutex);
  return done(error);
}
MAKE(condition) { return on_condition(c, NULL); }
MAKE(condition_timed) {
  struct timespec end = from_now(CLOCK_REALTIME, limit);
  return on_condition(c, &end);
}
FINISH(condition) {
  pthread_mutex_lock(&held_of(c)->mutex);
  held_of(c)->locked = 1;
  pthread_cond_signal(&held_of(c)->condition);
  pthread_mutex_unlock(&held_of(c)->mutex);
}
MAKE(sem_wait) { return sem_wait(&held_of(c)->semaphore); }
MAKE(sem_timedwait) {
  struct timespec end = from_now(CLOCK_REALTIME, limit);
  return sem_timedwait(&held_of(c)->semaphore, &end);
}
FINISH(sem_wait) { sem_post(&held_of(c)->semaphore); }

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
  return semtimedop(c->a, &op, 1, &limit);
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

PREPARE(message_full) {
  struct msqid_ds queue;
  struct {
    long type;
    char text[1024];
  } m = {1, ""};
  if (prepare_message(c) || msgctl(c->a, IPC_STAT, &queue)) return 1;
  queue.msg_qbytes = sizeof m.text;
  return msgctl(c->a, IPC_SET, &queue) || msgsnd(c->a, &m, sizeof m.text, IPC_NOWAIT);
}
MAKE(msgsnd) {
  struct {
    long type;
    char text[1024];
  } m = {1, ""};
  return msgsnd(c->a, &m, sizeof m.text, 0);
}
FINISH(message_full) {
  struct {
    long type;
    char text[1024];
  } m;
  msgrcv(c->a, &m, sizeof m.text, 0, IPC_NOWAIT);
  pthread_join(c->thread, NULL);
  msgctl(c->a, IPC_RMID, NULL);
}

PREPARE(queue) {
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
  char name[64];
  snprintf(name, sizeof name, "/lpc-calls-%d-%s", getpid(), c->name);
  c->a = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
  mq_unlink(name);
  return c->a < 0;
}
PREPARE(queue_full) { return prepare_queue(c) || mq_send(c->a, "x", 1, 0); }
MAKE(mq_receive) {
  char message[8];
  return mq_receive(c->a, message, sizeof message, NULL);
}
MAKE(mq_timedreceive) {
  char message[8];
  struct timespec end = from_now(CLOCK_REALTIME, limit);
  return mq_timedreceive(c->a, message, sizeof message, NULL, &end);
}
MAKE(mq_send) { return mq_send(c->a, "y", 1, 0); }
FINISH(mq_receive) {
  struct timespec past = {0, 0};
  mq_timedsend(c->a, "z", 1, 0, &past);
}
FINISH(mq_send) {
  char message[8];
  struct timespec past = {0, 0};
  mq_timedreceive(c->a, message, sizeof message, NULL, &past);
}
