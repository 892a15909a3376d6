// A program to be patched: a function that forgets to check its argument.
#include <stdio.h>
#include <unistd.h>

volatile int each = 7;

__attribute__((noinline)) int price(int pieces) { return pieces * each; }

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    printf("price(3) = %d, price(-3) = %d\n", price(3), price(-3));
    usleep(100000);
  }
}
