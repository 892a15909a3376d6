// hammer N: N threads that call three functions as fast as they can, and look at every result:
//   short_first    begins with an instruction of one byte, so a jump covers several instructions
//   long_first     begins with one of five bytes in one aligned word
//   torn_first     as short_first, but a jump at its start crosses a cache line
// f(x) is x + 1 (old) or x * 100 (new). The main thread answers `?` with "calls N wrong N changes N": how often they
// were called, gave something else, and gave the other result than the time before.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

int short_first(int x);
int long_first(int x);
int torn_first(int x);

asm(".text\n"
    ".p2align 6\n"
    ".globl short_first\n.type short_first, @function\nshort_first:\n.cfi_startproc\n"
    "push %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset %rbx, -16\n"
    "mov %edi, %ebx\nlea 1(%rbx), %eax\npop %rbx\n.cfi_def_cfa_offset 8\nret\n"
    ".cfi_endproc\n.size short_first, . - short_first\n"

    ".p2align 6\n"
    ".globl long_first\n.type long_first, @function\nlong_first:\n.cfi_startproc\n"
    "mov $1, %eax\nadd %edi, %eax\nret\n"
    ".cfi_endproc\n.size long_first, . - long_first\n"

    ".p2align 6\n.skip 62, 0xcc\n"
    ".globl torn_first\n.type torn_first, @function\ntorn_first:\n.cfi_startproc\n"
    "push %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset %rbx, -16\n"
    "mov %edi, %ebx\nlea 1(%rbx), %eax\npop %rbx\n.cfi_def_cfa_offset 8\nret\n"
    ".cfi_endproc\n.size torn_first, . - torn_first\n");

static int (*const functions[])(int) = {short_first, long_first, torn_first};
enum { kFunctions = sizeof functions / sizeof *functions };

static atomic_ullong calls, wrong, changes;

static void *work(void *unused) {
  (void)unused;
  int before[kFunctions] = {0};
  for (int x = 2;; x = x % 1000 + 2) {
    for (int i = 0; i < kFunctions; i++) {
      int result = functions[i](x);
      int is_new = result == x * 100;
      if (!is_new && result != x + 1) atomic_fetch_add(&wrong, 1);
      if (is_new != before[i]) atomic_fetch_add(&changes, 1);
      before[i] = is_new;
    }
    if (x % 64 == 0) atomic_fetch_add(&calls, 32 * kFunctions);
  }
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  for (int i = 0; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL)) return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready\n");
  for (int c = 0; (c = getchar()) != EOF;)
    if (c == '?')
      printf("calls %llu wrong %llu changes %llu\n", atomic_load(&calls), atomic_load(&wrong), atomic_load(&changes));
  return 0;
}
