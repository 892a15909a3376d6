static int counter = 9;
static int __attribute__((noinline)) helper(int x) { return x + 1; }
int other_counter(void) { return helper(counter++); }
