// A wanted name and a mangled one, with a newline between: comparing them ends soon, whatever they are.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "frontend/target/cxx_name.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return 0;
  uint64_t budget = 1'000'000;
  (void)lpc::target::CxxName(text.substr(0, newline)).matches(text.substr(newline + 1), budget);
  return 0;
}
