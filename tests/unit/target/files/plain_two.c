#include "plain.h"

static node *newest; /* another one of this name */
__attribute__((noinline)) void say(const char *format, ...) {
  newest = newest ? newest->next : (node *)format;
  *(volatile int *)&newest->key = half(half(newest->key));
}
