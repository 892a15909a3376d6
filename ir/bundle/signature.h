// Signatures in minisign's format (jedisct1.github.io/minisign, "Signature format"): Ed25519 over the file, or over its
// BLAKE2b-512 (`ED`, what minisign has written since 0.10), and a second signature over the first and the trusted
// comment.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::ir {

using KeyId = std::array<uint8_t, 8>;

struct PublicKey {
  KeyId id{};
  std::array<uint8_t, 32> key{};
  std::string origin; // where it is from, for messages
  bool operator==(const PublicKey &) const = default;
};

// "7BD2E9A3C01A4F55": as minisign shows it.
std::string keyIdText(const KeyId &id);

// A file of minisign's (a comment line and the key), or the key alone. BadKey.
Result<PublicKey> parsePublicKey(std::string_view text, const std::string &origin);

// The trusted comment of the signature, where it is one of `file` by one of the keys. `name` and `signatureName` are
// what messages call them. BadSignature, ForeignKey. Safe for any input.
Result<std::string> verifySignature(BytesView file, std::string_view signature, std::span<const PublicKey> keys,
                                    const std::string &name, const std::string &signatureName);

} // namespace lpc::ir
