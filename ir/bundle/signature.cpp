// Nothing of the signature is used before both of its parts are verified, and the trusted comment is not shown before.
//
// The comments are free text, so only the frame of the four lines is read strictly. Keys that share an id are all
// tried: an id is eight bytes that whoever makes a key can choose.
#include "ir/bundle/signature.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "ir/support/cat.h"

namespace lpc::ir {
namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ", kTrusted = "trusted comment: ";
constexpr size_t kSignatureSize = crypto_sign_BYTES;
constexpr size_t kLongestFile = 16384; // bytes of a key or signature file; minisign's comments have 1024 and 8192
static_assert(std::tuple_size_v<decltype(PublicKey::key)> == crypto_sign_PUBLICKEYBYTES);

// Exactly `size` bytes in base64 with padding, as minisign writes it. libsodium 1.0.18 takes some bytes above 0x7f for
// digits.
std::optional<Bytes> decode(std::string_view text, size_t size) {
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x7f; })) return std::nullopt;
  Bytes out(size);
  size_t length = 0;
  const char *end = nullptr;
  if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      length != size || end != text.data() + text.size())
    return std::nullopt;
  return out;
}

// Lines without their ends; a last line break ends the last line.
std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

struct Signature {
  bool prehashed = false;
  KeyId keyId{};
  Bytes bytes; // of the file
  std::string_view trustedComment;
  Bytes global; // of `bytes` and the trusted comment
};

std::optional<Signature> parse(std::string_view text) {
  if (text.size() > kLongestFile) return std::nullopt;
  std::vector<std::string_view> lines = linesOf(text);
  if (lines.size() != 4 || !lines[0].starts_with(kUntrusted) || !lines[2].starts_with(kTrusted)) return std::nullopt;
  Signature out;
  auto head = decode(lines[1], 2 + out.keyId.size() + kSignatureSize);
  auto global = decode(lines[3], kSignatureSize);
  if (!head || !global || (*head)[0] != 'E' || ((*head)[1] != 'd' && (*head)[1] != 'D')) return std::nullopt;
  out.prehashed = (*head)[1] == 'D';
  std::copy_n(head->begin() + 2, out.keyId.size(), out.keyId.begin());
  out.bytes.assign(head->begin() + 2 + out.keyId.size(), head->end());
  out.trustedComment = lines[2].substr(kTrusted.size());
  out.global = std::move(*global);
  return out;
}

bool verifies(const Bytes &signature, BytesView message, const PublicKey &key) {
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.key.data()) == 0;
}

Bytes blake2b(BytesView file) {
  Bytes out(crypto_generichash_BYTES_MAX);
  crypto_generichash(out.data(), out.size(), file.data(), file.size(), nullptr, 0);
  return out;
}

} // namespace

std::string keyIdText(const KeyId &id) {
  Bytes bigEndian(id.rbegin(), id.rend());
  std::string text = toHex(bigEndian);
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

Result<PublicKey> parsePublicKey(std::string_view text, const std::string &origin) {
  auto bad = [&] {
    return fail(DiagnosticId::BadKey, cat("`", origin, "` is no public key of minisign"),
                "a key is the file `minisign.pub` that `minisign -G` writes, or its second line");
  };
  if (text.size() > kLongestFile) return bad();
  std::vector<std::string_view> lines = linesOf(text);
  if (lines.size() == 2 && lines[0].starts_with(kUntrusted)) lines.erase(lines.begin());
  PublicKey out{.origin = origin};
  auto bytes = lines.size() == 1 ? decode(lines[0], 2 + out.id.size() + out.key.size()) : std::nullopt;
  if (!bytes || (*bytes)[0] != 'E' || (*bytes)[1] != 'd') return bad();
  std::copy_n(bytes->begin() + 2, out.id.size(), out.id.begin());
  std::copy_n(bytes->begin() + 2 + out.id.size(), out.key.size(), out.key.begin());
  return out;
}

Result<std::string> verifySignature(BytesView file, std::string_view signature, std::span<const PublicKey> keys,
                                    const std::string &name, const std::string &signatureName) {
  LPC_CHECK(sodium_init() >= 0);
  auto parsed = parse(signature);
  if (!parsed)
    return fail(DiagnosticId::BadSignature, cat("`", signatureName, "` is no signature in minisign's format"),
                cat("sign the bundle again: minisign -S -m ", name));
  std::vector<PublicKey> candidates;
  std::ranges::copy_if(keys, std::back_inserter(candidates),
                       [&](const PublicKey &key) { return key.id == parsed->keyId; });
  if (candidates.empty()) {
    Error error{.id = DiagnosticId::ForeignKey,
                .message =
                    cat("`", name, "` is signed by the key ", keyIdText(parsed->keyId), ", which is not trusted here"),
                .notes = {{"keys that are trusted:"}}};
    for (const PublicKey &key : keys)
      error.notes[0].lines.push_back(cat(keyIdText(key.id), "  ", key.origin));
    return std::unexpected(std::move(error));
  }

  Bytes hash = parsed->prehashed ? blake2b(file) : Bytes{};
  BytesView message = parsed->prehashed ? BytesView(hash) : file;
  auto signer =
      std::ranges::find_if(candidates, [&](const PublicKey &key) { return verifies(parsed->bytes, message, key); });
  if (signer == candidates.end())
    return fail(DiagnosticId::BadSignature,
                cat("`", name, "` is not what was signed: `", signatureName, "` does not fit its contents"),
                "get both again from where they were made");
  Bytes signedPart = parsed->bytes;
  BytesView comment = asBytes(parsed->trustedComment);
  signedPart.insert(signedPart.end(), comment.begin(), comment.end());
  if (!verifies(parsed->global, signedPart, *signer))
    return fail(DiagnosticId::BadSignature, cat("the trusted comment of `", signatureName, "` is not what was signed"),
                "get it again from where it was made");
  return std::string(parsed->trustedComment);
}

} // namespace lpc::ir
