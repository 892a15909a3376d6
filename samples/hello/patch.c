// The new code and data: an ordinary shared object that uses a variable of the program it will be linked into.
extern char *str_P;

int calls;
char patch_message[] = "a new message";

int func1(int x) {
  calls++;
  return str_P[0] == 'a' ? x * 100 : -1;
}
