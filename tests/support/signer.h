// Signs files as minisign does, without minisign: keys from a seed, so that a test is the same every time.
#pragma once

#include <sodium.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

namespace lpc::test {

class Signer {
public:
  explicit Signer(uint8_t seed) {
    std::array<uint8_t, crypto_sign_SEEDBYTES> bytes{};
    bytes.fill(seed);
    crypto_sign_seed_keypair(public_.data(), secret_.data(), bytes.data());
    id_.assign(8, static_cast<char>(seed));
  }

  // What stands in the second line of `minisign.pub`.
  [[nodiscard]] std::string key() const { return base64("Ed" + id_ + text(public_)); }
  [[nodiscard]] std::string keyFile() const { return "untrusted comment: a key for tests\n" + key() + "\n"; }

  // The text of a `.minisig`.
  [[nodiscard]] std::string sign(const std::string &contents, bool prehashed = true,
                                 const std::string &comment = "for tests") const {
    std::string message = contents;
    if (prehashed) {
      message.resize(crypto_generichash_BYTES_MAX);
      crypto_generichash(bytes(message), message.size(), bytes(contents), contents.size(), nullptr, 0);
    }
    std::string signature = signedBy(message);
    return "untrusted comment: a signature for tests\n" + base64((prehashed ? "ED" : "Ed") + id_ + signature) +
           "\ntrusted comment: " + comment + "\n" + base64(signedBy(signature + comment)) + "\n";
  }
  // Writes FILE.minisig.
  void signFile(const std::string &file) const {
    std::ifstream in(file, std::ios::binary);
    std::ofstream(file + ".minisig") << sign({std::istreambuf_iterator<char>(in), {}});
  }

private:
  static uint8_t *bytes(std::string &text) { return reinterpret_cast<uint8_t *>(text.data()); }
  static const uint8_t *bytes(const std::string &text) { return reinterpret_cast<const uint8_t *>(text.data()); }
  template <size_t N> static std::string text(const std::array<uint8_t, N> &bytes) {
    return {bytes.begin(), bytes.end()};
  }
  static std::string base64(const std::string &raw) {
    std::string out(sodium_base64_ENCODED_LEN(raw.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), bytes(raw), raw.size(), sodium_base64_VARIANT_ORIGINAL);
    out.pop_back();
    return out;
  }
  [[nodiscard]] std::string signedBy(const std::string &message) const {
    std::string out(crypto_sign_BYTES, '\0');
    crypto_sign_detached(bytes(out), nullptr, bytes(message), message.size(), secret_.data());
    return out;
  }

  std::array<uint8_t, crypto_sign_PUBLICKEYBYTES> public_{};
  std::array<uint8_t, crypto_sign_SECRETKEYBYTES> secret_{};
  std::string id_;
};

} // namespace lpc::test
