int leaf(void);
int BRANCH(void) { return leaf(); }
