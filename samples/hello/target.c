// A program to be patched: calls func_J and prints str_P once a tick.
#include <stdio.h>
#include <unistd.h>

char *str_P = "the original message";
volatile int step = 1;

__attribute__((noipa)) int func_J(int x) { return x + step; }

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int tick = 0;; tick++) {
    printf("func_J(41) = %d, str_P = %s\n", func_J(41), str_P);
    usleep(100000);
  }
}
