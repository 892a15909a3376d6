// What the functions of the target `hammer` become.
int new_short(int x) { return x * 100; }
int new_long(int x) { return x * 100; }
int new_torn(int x) { return x * 100; }
