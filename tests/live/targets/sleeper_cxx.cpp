/* sleeper_cxx MODE: where its thread sleeps (sleeper.h), in C++.
     caught     in the handler of outer for an exception that it has caught
     unwinding  in the destructor of a variable of outer, while an exception passes through
     passed     in the handler of outer's caller: outer is over */
#include "sleeper.h"

namespace {

struct Sleeps {
  ~Sleeps() {
    if (is("unwinding")) inner();
  }
};
__attribute__((noinline)) void fail() {
  if (!get(&gone)) throw 1;
}

} // namespace

// In one piece: its handlers do not move to a cold part.
extern "C" __attribute__((noinline, optimize("no-reorder-blocks-and-partition"))) int outer(int x) {
  volatile int result = x;
  if (is("caught")) {
    try {
      fail();
    } catch (int) {
      inner();
    }
  } else {
    Sleeps sleeps;
    fail();
  }
  return result + 1;
}

namespace {

int (*volatile callee)(int) = outer;

void *sleeper(void *) {
  prctl(PR_SET_NAME, "sleeper");
  for (;;) {
    try {
      callee(1);
    } catch (int) {
      inner();
    }
    __atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST);
    usleep(200);
  }
}

} // namespace

int main(int argc, char **argv) {
  mode = argc > 1 ? argv[1] : "caught";
  return serve(&callee, sleeper, 1);
}
