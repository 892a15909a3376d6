// A program of many kinds of symbols. Built as PIE, non-PIE, stripped, split from its debug file, and with RELR.
#include <stdio.h>

static int counter = 7;            // also in other.c: two symbols of one name
int global_value = 0x11223344;
const char fixed_text[] = "fixed";
int zeroed[1000];
const char *pointer = fixed_text;  // relocated in a PIE
const char *table[4] = {fixed_text, fixed_text + 1, fixed_text + 2, fixed_text + 3};
_Thread_local int per_thread = 5;

int other_counter(void);

static int __attribute__((noinline)) helper(int x) { return x * 3 + counter++; }
int __attribute__((noinline)) twice(int x) { return helper(x) * 2; }
int same_as_twice(int x) __attribute__((alias("twice")));
int __attribute__((weak, noinline)) maybe(void) { return 1; }

static int one(void) { return 1; }
static int (*choose(void))(void) { return one; }
int chosen(void) __attribute__((ifunc("choose")));

// Functions without a size, as hand-written assembly has them.
__asm__(".text\n"
        ".globl unsized\n"
        ".type unsized, @function\n"
        "unsized:\n"
        "  nop\n  nop\n  nop\n  nop\n  ret\n"
        ".globl after_unsized\n"
        ".type after_unsized, @function\n"
        "after_unsized: ret\n"
        ".size after_unsized, 1\n"
        ".globl absolute_symbol\n"
        ".set absolute_symbol, 0x1234\n");

int main(void) {
  printf("%d %d %d %p %s\n", twice(1), other_counter(), per_thread + maybe() + chosen(), (void *)table, pointer);
  return zeroed[0];
}
