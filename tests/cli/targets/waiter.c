/* Waits for its standard input to end. ANSWER makes builds that differ in code. */
#include <unistd.h>

__attribute__((noinline)) int answer(int x) { return x * 3 + ANSWER; }
int counter = 7;

int main(void) {
  char c = 0;
  if (write(1, "ready\n", 6) != 6) return 1;
  while (read(0, &c, 1) > 0)
    counter = answer(counter);
  return counter == 0;
}
