// SHA-256 (FIPS 180-4, by libsodium): what patches, payloads and records are told apart by.
#pragma once

#include "ir/support/bytes.h"

namespace lpc {

constexpr size_t kSha256Size = 32;

Bytes sha256(BytesView bytes);

} // namespace lpc
