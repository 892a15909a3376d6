// Any bytes as /etc/ld.so.cache.
#include <cstddef>
#include <cstdint>

#include "frontend/target/ld_cache.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  target::LdCache cache(Bytes(data, data + size));
  for (Machine machine : {Machine::X86_64, Machine::I386, Machine::AArch64})
    (void)cache.find("libc.so.6", machine);
  return 0;
}
