// Variables of many types, printed once a tick.
#include <stdio.h>
#include <stdint.h>
#include <unistd.h>

volatile int limit = 10;
volatile uint64_t big = 1;
volatile double ratio = 0.5;
char name[16] = "old name";
volatile uint8_t table[4] = {1, 2, 3, 4};
struct settings {
  int verbose;
  int *where;
} settings = {0, (int *)&limit};
volatile int other = 77;

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (;;) {
    printf("limit %d big %llx ratio %g name %s table %d%d%d%d verbose %d where %d\n", limit, (unsigned long long)big, ratio,
           name, table[0], table[1], table[2], table[3], settings.verbose, *(volatile int *)settings.where);
    usleep(100000);
  }
}
