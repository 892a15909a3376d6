// The payload of the 2004 example.
extern char *str_P;

char patch_message[] = "a new message";

int func1(int x) { return str_P ? x * 100 : -1; }
