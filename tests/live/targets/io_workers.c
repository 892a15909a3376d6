/* io_workers MODE FIFO: a process in whose task list workers of io_uring stand.
     waits   three workers wait: in the opening of FIFO for reading, of FIFO.2, and of FIFO.3
     polls   the kernel's thread that takes requests (SQPOLL)
     churns  a thread has workers made that read /dev/zero and end, as fast as it can
   Says "ready" or "unsupported". A line of input is answered with "number N", N is 5; with "wait" instead, it waits for
   the three requests and says what each gave: "results FD FD FD". */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

volatile int number = 5, other = 5;

struct ring {
  int fd;
  struct io_uring_params parameters;
  char *submissions, *completions;
  struct io_uring_sqe *requests;
};

static int make_ring(struct ring *ring, unsigned flags) {
  memset(ring, 0, sizeof *ring);
  struct io_uring_params *p = &ring->parameters;
  p->flags = flags, p->sq_thread_idle = 60000;
  ring->fd = (int)syscall(SYS_io_uring_setup, 8, p);
  if (ring->fd < 0) return 0;
  int both = PROT_READ | PROT_WRITE, how = MAP_SHARED | MAP_POPULATE;
  ring->submissions = mmap(NULL, p->sq_off.array + p->sq_entries * 4, both, how, ring->fd, IORING_OFF_SQ_RING);
  ring->completions =
      mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe), both, how, ring->fd, IORING_OFF_CQ_RING);
  ring->requests = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), both, how, ring->fd, IORING_OFF_SQES);
  return ring->submissions != MAP_FAILED && ring->completions != MAP_FAILED && (void *)ring->requests != MAP_FAILED;
}
/* The next request: for a worker, whatever it is. */
static struct io_uring_sqe *request(struct ring *ring, unsigned char what, int fd, const void *at) {
  unsigned *tail = (unsigned *)(ring->submissions + ring->parameters.sq_off.tail);
  unsigned *array = (unsigned *)(ring->submissions + ring->parameters.sq_off.array);
  unsigned index = *tail & (ring->parameters.sq_entries - 1);
  struct io_uring_sqe *made = memset(ring->requests + index, 0, sizeof *made);
  made->opcode = what, made->flags = IOSQE_ASYNC, made->fd = fd, made->addr = (unsigned long)at;
  array[index] = index;
  __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
  return made;
}
static long enter(struct ring *ring, unsigned submit, unsigned wait) {
  return syscall(SYS_io_uring_enter, ring->fd, submit, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

static void *churn(void *unused) {
  static char bytes[64];
  for (;;) {
    struct ring ring;
    int zero = open("/dev/zero", O_RDONLY);
    if (zero < 0 || !make_ring(&ring, 0)) abort();
    for (int i = 0; i < 4; i++)
      request(&ring, IORING_OP_READ, zero, bytes)->len = 16;
    for (long done = 0; done < 4;) {
      long more = enter(&ring, (unsigned)(4 - done), 1);
      if (more > 0) done += more;
    }
    munmap(ring.submissions, ring.parameters.sq_off.array + ring.parameters.sq_entries * 4);
    munmap(ring.completions, ring.parameters.cq_off.cqes + ring.parameters.cq_entries * sizeof(struct io_uring_cqe));
    munmap(ring.requests, ring.parameters.sq_entries * sizeof(struct io_uring_sqe));
    close(ring.fd), close(zero); /* the workers end with it */
  }
  return unused;
}

static void wait_for_three(struct ring *ring) {
  unsigned *tail = (unsigned *)(ring->completions + ring->parameters.cq_off.tail);
  struct io_uring_cqe *all = (struct io_uring_cqe *)(ring->completions + ring->parameters.cq_off.cqes);
  while (__atomic_load_n(tail, __ATOMIC_ACQUIRE) < 3)
    enter(ring, 0, 3);
  printf("results %d %d %d\n", all[0].res, all[1].res, all[2].res);
}

int main(int count, char **words) {
  const char *mode = count > 1 ? words[1] : "waits", *fifo = count > 2 ? words[2] : "";
  struct ring ring;
  pthread_t thread;
  char line[64], names[3][256];
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (!make_ring(&ring, !strcmp(mode, "polls") ? IORING_SETUP_SQPOLL : 0)) {
    printf("unsupported\n");
    return 0;
  }
  if (!strcmp(mode, "churns") && pthread_create(&thread, NULL, churn, NULL)) return 1;
  if (!strcmp(mode, "waits")) {
    for (int i = 0; i < 3; i++) {
      snprintf(names[i], sizeof names[i], i ? "%s.%d" : "%s", fifo, i + 1);
      request(&ring, IORING_OP_OPENAT, AT_FDCWD, names[i])->open_flags = O_RDONLY;
    }
    if (enter(&ring, 3, 0) != 3) return 1;
  }
  printf("ready\n");
  while (fgets(line, sizeof line, stdin))
    if (!strcmp(line, "wait\n"))
      wait_for_three(&ring);
    else
      printf("number %d\n", number);
  return 0;
}
