// Calls each function of libc_functions.h 50 times at each line "call", and prints "NAME RESULT" for it and then "done".
// A payload may count calls in hook_counts: "counts" prints those.
#define _GNU_SOURCE
#include <argz.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <envz.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <langinfo.h>
#include <libgen.h>
#include <locale.h>
#include <malloc.h>
#include <math.h>
#include <monetary.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>
#undef basename

enum {
#define F(name, call) at_##name,
#include "libc_functions.h"
#undef F
  kCount
};
unsigned long hook_counts[kCount];

static locale_t locale;
static char out[256], *end, *options, *value;
static wchar_t wout[256], *wend;
static size_t words;
static unsigned seed;
static unsigned short x48[3], p48[7] = {1, 2, 3, 4, 5, 6, 7};
static int decimal, sign;
static char ro[] = "ro", xx[] = "x";
static char *tokens[] = {ro, xx, NULL};
static void *held_block, *block;
static double loads[3];
static struct tm broken;
static const time_t moments[4] = {0, 1000000000, 86399, 1700000000};
static wctype_t alpha;
static wctrans_t lower;

static long hash(const void *bytes, size_t n) {
  long sum = 0;
  for (size_t k = 0; k < n; k++) sum = sum * 31 + ((const unsigned char *)bytes)[k];
  return sum;
}
static long whash(const wchar_t *wide, size_t n) {
  long sum = 0;
  for (size_t k = 0; k < n; k++) sum = sum * 31 + wide[k];
  return sum;
}
static long same(const char *text) {
  long sum = text ? 7 : 0;
  for (; text && *text; text++) sum = sum * 31 + *text;
  return sum;
}
static long taken(void *text) {
  long sum = text ? hash(text, 4) : 0;
  free(text);
  return sum;
}
static long taken_text(char *text) {
  long sum = same(text);
  free(text);
  return sum;
}
static long held(void *memory) {
  free(memory);
  return memory != NULL;
}
static char *copy(char *to, const char *from) {
  char *begin = to;
  while ((*to++ = *from++)) {
  }
  return begin;
}
static void fill(char *to, int i) {
  for (int k = 0; k < 64; k++) to[k] = (char)((k * 37 + i * 11) % 127);
}
static void set48(int i) { x48[0] = (unsigned short)i, x48[1] = 2, x48[2] = 3; }
static int sign_of(long n) { return n < 0 ? -1 : n > 0; }
static int bytewise(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }
static int bytewise_r(const void *a, const void *b, void *unused) { return (void)unused, bytewise(a, b); }

// `call` through a pointer that the compiler can't see through, so that it is made as it stands.
#define F(name, call)                                                                                                  \
  static __attribute__((noinline)) long call_##name(int i, char *a, char *b, wchar_t *w, wchar_t *v) {                 \
    (void)i, (void)a, (void)b, (void)w, (void)v;                                                                       \
    return (long)(call);                                                                                               \
  }
#include "libc_functions.h"
#undef F

static const struct {
  const char *name;
  long (*call)(int, char *, char *, wchar_t *, wchar_t *);
} kFunctions[kCount] = {
#define F(name, call) {#name, call_##name},
#include "libc_functions.h"
#undef F
};

static void callAll(void) {
  char a[64], b[64];
  wchar_t w[64], v[64];
  setenv("HOOKED", "a", 1);
  for (int f = 0; f < kCount; f++) {
    long sum = 0;
    for (int i = 0; i < 50; i++) {
      int m = snprintf(a, sizeof a, "abcd%d.%d dE f,g%c", i * 7, i, 'a' + i % 26);
      int n = snprintf(b, sizeof b, "%c Xy%d %x", 'Q' - i % 9, i * 91, i * 1021);
      for (int k = 0; k <= m; k++) w[k] = a[k];
      for (int k = 0; k <= n; k++) v[k] = b[k];
      memset(out, 0, sizeof out);
      memset(wout, 0, sizeof wout);
      memset(&broken, 0, sizeof broken);
      sum = sum * 33 + kFunctions[f].call(i, a, b, w, v);
    }
    printf("%s %ld\n", kFunctions[f].name, sum);
  }
  printf("done\n");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  locale = newlocale(LC_ALL_MASK, "C", NULL);
  alpha = wctype("alpha");
  lower = wctrans("tolower");
  block = malloc(50);
  printf("ready\n");
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    if (!strcmp(line, "call\n")) callAll();
    if (!strcmp(line, "counts\n")) {
      for (int f = 0; f < kCount; f++) printf("%s %lu\n", kFunctions[f].name, hook_counts[f]);
      printf("done\n");
    }
  }
  return 0;
}
