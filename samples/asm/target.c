// A program to be patched: what an order costs besides its price.
#include <stdio.h>
#include <unistd.h>

volatile int each = 4, least = 100, none = 0;

__attribute__((noinline)) int shipping(int pieces) { return pieces * each; }
__attribute__((noinline)) int discount(int price) { return price * none; }

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    printf("shipping(10) = %d, discount(500) = %d\n", shipping(10), discount(500));
    usleep(100000);
  }
}
