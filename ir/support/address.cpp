// The one spelling of addresses.
#include "ir/support/address.h"

#include <charconv>

namespace lpc {

std::string hexAddress(uint64_t value) {
  char digits[16];
  auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return "0x" + std::string(digits, end);
}

} // namespace lpc
