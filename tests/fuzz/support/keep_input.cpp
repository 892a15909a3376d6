// A check of lpc that does not hold ends it with _exit(), which libFuzzer does not notice; so that it writes the input
// down, it gets a signal before.
#include <cstdlib>

#include "ir/support/result.h"

extern "C" int LLVMFuzzerInitialize(int * /*argc*/, char *** /*argv*/) {
  lpc::onBug([] { std::abort(); });
  return 0;
}
