// Bundles beneath their digest, which a fuzzer would never get past: whatever is accepted is well formed and comes back
// the same.
#include <cstddef>
#include <cstdint>

#include "ir/bundle/bundle.h"
#include "ir/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto bundle = lpc::ir::readBundleUnchecked({data, size});
  if (!bundle) return 0;
  for (const lpc::ir::Patch &build : bundle->builds)
    LPC_CHECK(lpc::ir::verify(build).empty());
  auto file = lpc::ir::writeBundle(*bundle);
  LPC_CHECK(file.has_value());
  auto again = lpc::ir::readBundle(*file);
  LPC_CHECK(again && *again == *bundle);
  return 0;
}
