// Whose patches may be put onto processes: `--public-key`, or else the keys of this machine's trust folder,
// /etc/lpc/trusted.d/*.pub (LPC_TRUST_FOLDER in the environment names another one).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontend/pipeline.h"
#include "ir/bundle/signature.h"

namespace lpc::driver {

// The keys, one of which must have signed; nothing where anything may be applied. A folder or a key that cannot be read
// is an error: it may be the one that forbids. BadKey, CannotOpen.
Result<std::optional<std::vector<ir::PublicKey>>> trustedKeys(const std::optional<std::string> &publicKey);

// The patch, and before anything else is done with it, the signature beside it (PATCH.minisig), where keys are trusted.
// What was verified is what was read: the file is not looked at again. Unsigned, BadSignature, ForeignKey, and those of
// trustedKeys and readPatch.
Result<PatchText> readTrusted(const std::string &path, const std::optional<std::string> &publicKey);

// As readTrusted for a key that was given, else as readPatch: for commands that change nothing.
Result<PatchText> readIfSigned(const std::string &path, const std::optional<std::string> &publicKey);

} // namespace lpc::driver
