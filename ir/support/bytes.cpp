// Bytes to hexadecimal and back, and little-endian numbers.
#include "ir/support/bytes.h"

#include "ir/support/result.h"

namespace lpc {
namespace {

void appendHex(std::string &out, uint8_t byte) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// -1 where `c` is no hexadecimal digit. isxdigit(3) would depend on the locale.
int digitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

} // namespace

std::string toHex(BytesView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (uint8_t byte : bytes)
    appendHex(out, byte);
  return out;
}

std::string toSpacedHex(BytesView bytes, size_t limit) {
  std::string out;
  for (uint8_t byte : bytes.first(std::min(limit, bytes.size()))) {
    if (!out.empty()) out += ' ';
    appendHex(out, byte);
  }
  if (bytes.size() > limit) out += " …";
  return out;
}

std::optional<Bytes> fromHex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(digits.size() / 2);
  for (size_t i = 0; i < digits.size(); i += 2) {
    int high = digitValue(digits[i]), low = digitValue(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<uint8_t>(high * 16 + low));
  }
  return out;
}

void appendLittle(Bytes &out, uint64_t value, unsigned width) {
  LPC_CHECK(width <= 8);
  out.resize(out.size() + width);
  storeLittle(std::span(out).last(width), value);
}

void storeLittle(std::span<uint8_t> out, uint64_t value) {
  LPC_CHECK(out.size() <= 8);
  for (uint8_t &byte : out) {
    byte = static_cast<uint8_t>(value);
    value >>= 8;
  }
}

uint64_t loadLittle(BytesView bytes) {
  LPC_CHECK(bytes.size() <= 8);
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | bytes[i];
  return value;
}

} // namespace lpc
