// libsodium's one-call form: it needs no sodium_init(), and so costs commands that hash nothing nothing.
#include "ir/support/sha256.h"

#include <sodium/crypto_hash_sha256.h>

namespace lpc {

static_assert(kSha256Size == crypto_hash_sha256_BYTES);

Bytes sha256(BytesView bytes) {
  Bytes digest(kSha256Size);
  crypto_hash_sha256(digest.data(), bytes.data(), bytes.size());
  return digest;
}

} // namespace lpc
