#include "plain.h"

extern inline int half(int n);
struct limits {
  unsigned low : 4, high : 28;
  double ratio[2][3];
  const char *label;
  _Bool on;
  union {
    long whole;
    float part;
  };
} limits = {1, 2, {{1, 2, 3}, {4, 5, 6}}, "label", 1, {7}};
static int same(const void *a, const void *b) { return a == b; }
__attribute__((used)) static int (*compare)(const void *, const void *) = same;
__attribute__((used)) static node *newest;
__attribute__((used)) volatile enum level level = HIGH;
__attribute__((used)) int (*keepHalf)(int) = half;

/* As before ANSI C. */
__attribute__((noinline)) int old_style(a, b) int a;
char *b;
{ return a + *b; }

__attribute__((noinline)) int find(const node *restrict list, int key, enum level level) {
  for (; list; list = list->next)
    if (list->key == half(key) + (int)level) return list->name[0];
  return -1;
}
int main(int argc, char **argv) {
  node one = {argc, newest, "one"};
  say("%d", old_style(argc, argv[0]) + compare(argv, &one) + (int)limits.ratio[argc & 1][2]);
  return find(&one, argc, level);
}
