// Prints the bytes of its variables at each line that it reads.
#include <stdio.h>

__attribute__((aligned(8))) unsigned char room[96];
static unsigned char hidden[8] = {1, 2, 3, 4, 5, 6, 7, 8};
unsigned char *lead = room;

static void show(const unsigned char *bytes, int size) {
  for (int i = 0; i < size; i++) printf("%02x", bytes[i]);
}

int main(void) {
  char line[16];
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready %p\n", (void *)room);
  while (fgets(line, sizeof line, stdin)) {
    show(room, sizeof room);
    putchar(' ');
    show(hidden, sizeof hidden);
    putchar(' ');
    show(lead, 8);
    putchar('\n');
  }
  return 0;
}
