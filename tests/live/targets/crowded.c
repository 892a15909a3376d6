/* crowded many: has 30,000 mappings. crowded full: has no free page within 2 GiB and more of its code, as far as it may
   map there (the strips that its heap and stack grow into stay free). Then it is like tests/live/linkage.h's program.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int limit = 100;
const char *greeting = "hello";
__attribute__((noinline)) int handle(int x) { return x + 7; }
__attribute__((noinline)) int other(int x) {
  __asm__ volatile("" ::: "memory");
  return x * 1000;
}
int (*volatile callee)(int) = handle;
enum { kPage = 4096 };
static const uintptr_t kReach = (uintptr_t)3 << 30;

static int many(void) {
  const size_t kPairs = 15000;
  char *area = mmap(NULL, kPairs * 2 * kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) return 0;
  for (size_t i = 0; i < kPairs; i++)
    if (mprotect(area + 2 * i * kPage, kPage, PROT_NONE)) return 0;
  return 1;
}

static void fill(uintptr_t begin, uintptr_t end) {
  if (begin < end)
    mmap((void *)begin, end - begin, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
         0);
}

static int full(void) {
  static struct {
    uintptr_t begin, end;
  } taken[4096];
  size_t count = 0;
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  if (!maps) return 0;
  while (count < 4096 && fgets(line, sizeof line, maps))
    if (sscanf(line, "%lx-%lx", &taken[count].begin, &taken[count].end) == 2) count++;
  fclose(maps);
  uintptr_t here = (uintptr_t)handle, low = here > kReach ? (here - kReach) & ~(uintptr_t)(kPage - 1) : 16 * kPage;
  uintptr_t high = (here + kReach) & ~(uintptr_t)(kPage - 1), at = low;
  for (size_t i = 0; i < count && at < high; i++) {
    if (taken[i].begin > at) fill(at, taken[i].begin < high ? taken[i].begin : high);
    if (taken[i].end > at) at = taken[i].end;
  }
  if (at < high) fill(at, high);
  return 1;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 2 || !(strcmp(argv[1], "many") ? full() : many())) return 1;
  puts("ready");
  char line[64];
  while (fgets(line, sizeof line, stdin))
    printf("handle %d limit %d greeting %s\n", callee((int)strlen(line)), limit, greeting);
  return 0;
}
