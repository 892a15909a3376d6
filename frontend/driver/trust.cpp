// A trust folder is a rule of the machine, so doubt refuses: a folder that exists and cannot be listed, or a damaged
// key in it, lets nothing be applied until it is put right.
#include "frontend/driver/trust.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "frontend/driver/input.h"
#include "ir/bundle/bundle.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

namespace fs = std::filesystem;
using Keys = std::vector<ir::PublicKey>;

std::string trustFolder() {
  const char *folder = std::getenv("LPC_TRUST_FOLDER");
  return folder != nullptr && *folder != '\0' ? folder : "/etc/lpc/trusted.d";
}

Result<ir::PublicKey> readKey(const std::string &path) {
  auto text = readText(path);
  if (!text) return std::unexpected(std::move(text.error()));
  return ir::parsePublicKey(*text, path);
}

// The key itself, or the file that it stands in.
Result<ir::PublicKey> keyOrFile(const std::string &given) {
  auto key = ir::parsePublicKey(given, "--public-key");
  if (key) return key;
  return readKey(given);
}

// In the order of their names. Nothing where there is no folder, or no key in it.
Result<std::optional<Keys>> keysOfFolder(const std::string &folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".pub") files.push_back(at->path());
  if (error == std::errc::no_such_file_or_directory) return std::nullopt;
  if (error)
    return failErrno(DiagnosticId::CannotOpen, cat("cannot read the trust folder `", folder, "`"), error.value());
  std::ranges::sort(files);
  Keys keys;
  for (const std::string &file : files) {
    auto key = readKey(file);
    if (!key) return std::unexpected(std::move(key.error()).during("the trust folder"));
    keys.push_back(std::move(*key));
  }
  return keys.empty() ? std::nullopt : std::optional(std::move(keys));
}

std::unexpected<Error> notSigned(std::string message, const std::string &help) {
  return fail(DiagnosticId::Unsigned, std::move(message), help);
}

Result<void> verify(const PatchText &text, const std::string &path, const Keys &keys) {
  if (!ir::isBundle(text.source.text()))
    return notSigned(cat("`", path, "` is no bundle, and only bundles that are signed are taken here"),
                     "make one and sign it: lpc build PATCH.lp -o PATCH.lpb && minisign -S -m PATCH.lpb");
  if (path == "-")
    return notSigned("a bundle on standard input has no signature beside it, and only bundles that are signed are "
                     "taken here",
                     "give it as a file, with its signature in FILE.minisig");
  std::string beside = path + ".minisig";
  auto signature = readText(beside);
  if (!signature && !fs::exists(beside))
    return notSigned(cat("`", path, "` is not signed: there is no `", beside, "`"),
                     cat("sign it: minisign -S -m ", path));
  if (!signature) return std::unexpected(std::move(signature.error()));
  auto comment = ir::verifySignature(asBytes(text.source.text()), *signature, keys, path, beside);
  if (!comment) return std::unexpected(std::move(comment.error()));
  return {};
}

} // namespace

Result<std::optional<Keys>> trustedKeys(const std::optional<std::string> &publicKey) {
  if (!publicKey) return keysOfFolder(trustFolder());
  auto key = keyOrFile(*publicKey);
  if (!key) return std::unexpected(std::move(key.error()));
  return Keys{std::move(*key)};
}

Result<PatchText> readTrusted(const std::string &path, const std::optional<std::string> &publicKey) {
  auto keys = trustedKeys(publicKey);
  if (!keys) return std::unexpected(std::move(keys.error()));
  auto text = readPatch(path);
  if (!text || !*keys) return text;
  if (auto good = verify(*text, path, **keys); !good) return std::unexpected(std::move(good.error()));
  return text;
}

Result<PatchText> readIfSigned(const std::string &path, const std::optional<std::string> &publicKey) {
  return publicKey ? readTrusted(path, publicKey) : readPatch(path);
}

} // namespace lpc::driver
