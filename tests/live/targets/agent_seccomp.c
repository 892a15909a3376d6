// A sandboxed program: its filter ends it at once for calls that it never makes itself (among them those of lpc's
// agent). Answers lines with "alive".
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define KILL_ON(number)                                                                                                \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

int main(void) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      KILL_ON(SYS_clone),
      KILL_ON(SYS_close_range),
      KILL_ON(SYS_unshare),
      KILL_ON(SYS_gettid),
      KILL_ON(SYS_mprotect),
      KILL_ON(SYS_getpid),
      KILL_ON(SYS_open),
      KILL_ON(SYS_madvise),
      KILL_ON(SYS_pwrite64),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
  setvbuf(stdout, NULL, _IOLBF, 0);
  char line[64], buffer[4096];
  setvbuf(stdin, buffer, _IOFBF, sizeof buffer);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
    printf("no seccomp\n");
    return 1;
  }
  printf("ready\n");
  while (fgets(line, sizeof line, stdin))
    printf("alive\n");
  return 0;
}
