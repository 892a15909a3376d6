// Any bytes as an ELF file: refused with a reason, or read in bounds and in bounded time and memory.
#include <cstddef>
#include <cstdint>

#include "tests/unit/target/exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  auto file = target::ElfFile::fromBytes(Bytes(data, data + size), "fuzz");
  if (!file) {
    LPC_CHECK(!file.error().message.empty());
    return 0;
  }
  test::exercise(**file);
  return 0;
}
