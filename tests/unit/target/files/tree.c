int branch(void);
int main(void) { return branch(); }
