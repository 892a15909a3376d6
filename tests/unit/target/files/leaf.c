int LEAF(void) { return 1; }
