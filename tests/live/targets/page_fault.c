#define _GNU_SOURCE
/* A thread that cannot stop: it is inside a read whose buffer is a page that this process itself is to provide
   (userfaultfd), and does so when a line of input comes; then it prints "done". Prints "unsupported" where there is no
   userfaultfd. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char *page;
int number = 5, other = 5;

static void *reader(void *unused) {
  char bytes[4];
  struct iovec to = {bytes, 4}, from = {page, 4};
  if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 4) puts("done"), fflush(stdout);
  for (;;)
    pause();
  return unused;
}

int main(void) {
  struct uffdio_api api = {.api = UFFD_API};
  page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register area = {.range = {(unsigned long)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  if (faults < 0 || ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &area)) {
    puts("unsupported"), fflush(stdout);
    for (;;)
      pause();
  }
  pthread_t thread;
  if (pthread_create(&thread, NULL, reader, NULL)) return 1;
  struct pollfd fault = {faults, POLLIN, 0};
  poll(&fault, 1, -1); /* the thread is in it now */
  puts("ready");
  fflush(stdout);
  for (int c; (c = getchar()) != '\n' && c != EOF;) {
  }
  struct uffdio_zeropage zero = {.range = {(unsigned long)page, 4096}};
  ioctl(faults, UFFDIO_ZEROPAGE, &zero);
  while (getchar() != EOF) {
  }
  return 0;
}
