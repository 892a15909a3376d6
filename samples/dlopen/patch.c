// Counts for each thread apart, which takes a thread-local variable of its own.
static __thread int number;

int next_number_of_thread(void) { return ++number + 1; }
