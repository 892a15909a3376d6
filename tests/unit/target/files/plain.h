/* Shared by plain_one.c and plain_two.c. */
enum level { LOW, HIGH };
typedef struct node {
  int key;
  struct node *next;
  char name[16];
} node;
/* C99: its code is in the unit that declares it `extern`. */
inline __attribute__((always_inline)) int half(int n) { return (n - 3) / 2; }
int find(const node *restrict list, int key, enum level level);
void say(const char *format, ...);
