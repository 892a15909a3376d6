// Shared objects for `dl`: whatever the bytes, reading, binding and placing stay in bounds, in bounded memory, and keep
// their promises.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/fake_process.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  auto image = backend::PayloadImage::read({data, size}, "payload", Machine::X86_64);
  if (image)
    test::checkImage(*image);
  else
    LPC_CHECK(!image.error().message.empty());
  return 0;
}
