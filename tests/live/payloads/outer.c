int outer_new(int x) { return x + 1000; }
