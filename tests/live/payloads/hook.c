// A hook of func_J of the target `service`: x * 100, made from what the original says, which is x + 1.
int (*next_func_J)(int);

int hook_func_J(int x) { return (next_func_J(x) - 1) * 100; }
