// The text form: whatever is accepted is well formed and comes back the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ir/support/result.h"
#include "ir/text.h"
#include "ir/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto patch = lpc::ir::parseText({reinterpret_cast<const char *>(data), size});
  if (!patch) return 0;
  LPC_CHECK(lpc::ir::verify(*patch).empty());
  auto again = lpc::ir::parseText(lpc::ir::printText(*patch));
  LPC_CHECK(again && *again == *patch);
  return 0;
}
