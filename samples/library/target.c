// Uses a shared library that has a bug.
#include <stdio.h>
#include <unistd.h>

int greatest(const int *numbers, int count);

int main(void) {
  static const int numbers[] = {3, 9, 12};
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    printf("the greatest is %d\n", greatest(numbers, 3));
    usleep(100000);
  }
}
