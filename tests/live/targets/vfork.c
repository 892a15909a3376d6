/* A thread waits for its vfork child until a line of input comes; then it prints "done" and waits for the end of the
 * input. */
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *text, size_t size) {
  if (write(1, text, size) < 0) _exit(1);
}

int main(void) {
  char c;
  pid_t child = vfork();
  if (child == 0) {
    say("ready\n", 6);
    while (read(0, &c, 1) == 1 && c != '\n') {
    }
    _exit(0);
  }
  waitpid(child, NULL, 0);
  say("done\n", 5);
  while (read(0, &c, 1) == 1) {
  }
  return 0;
}
