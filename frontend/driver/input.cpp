// A patch is read whole before anything is done with it: a pipe that breaks in the middle must not leave half a patch
// applied.
#include "frontend/driver/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "ir/support/cat.h"
#include "ir/support/sha256.h"

namespace lpc::driver {
namespace {

constexpr size_t kLargest = size_t{1} << 30;         // bytes; a `hex` value may be long, but not endless
constexpr size_t kLargestOfDevice = size_t{1} << 24; // what a person types, or /dev/null; /dev/zero is more

std::unexpected<Error> tooLarge(const std::string &name) {
  return fail(DiagnosticId::FileTooLarge, cat("`", name, "` is larger than a patch can be (1 GiB)"));
}

Result<std::string> readAll(int fd, const std::string &name) {
  std::string text;
  struct stat about{};
  bool known = fstat(fd, &about) == 0, device = known && S_ISCHR(about.st_mode);
  if (known && S_ISREG(about.st_mode)) {
    if (static_cast<uint64_t>(about.st_size) > kLargest) return tooLarge(name);
    text.reserve(static_cast<size_t>(about.st_size) + 1);
  }
  std::array<char, 65536> part{};
  for (;;) {
    ssize_t count = read(fd, part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failErrno(DiagnosticId::CannotOpen, cat("cannot read `", name, "`"), errno);
    if (count == 0) return text;
    text.append(part.data(), static_cast<size_t>(count));
    if (text.size() > kLargest) return tooLarge(name);
    if (device && text.size() > kLargestOfDevice)
      return fail(DiagnosticId::FileTooLarge, cat("`", name, "` is a device that does not end, and no patch"));
  }
}

// Waits for what a pipe's writer has still to say, but not for a writer.
Result<std::string> readPipe(int fd, const std::string &name) {
  if (fcntl(fd, F_SETFL, 0) != 0) return failErrno(DiagnosticId::CannotOpen, cat("cannot read `", name, "`"), errno);
  Result<std::string> text = readAll(fd, name);
  if (text && text->empty()) return fail(DiagnosticId::CannotOpen, cat("nobody writes to the pipe `", name, "`"));
  return text;
}

// "dir/hotfix.lp" → "hotfix"
std::string nameOf(std::string_view path) {
  std::string_view file = path.substr(path.rfind('/') + 1);
  size_t dot = file.rfind('.');
  return std::string(dot == std::string_view::npos || dot == 0 ? file : file.substr(0, dot));
}

// Text without a file has a name that follows from what is in it, so that applying it again is applying the same patch.
std::string nameOfText(const std::string &text) { return cat("stdin-", toHex(sha256(asBytes(text))).substr(0, 8)); }

} // namespace

Result<std::string> readText(const std::string &path) {
  runtime::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat about{};
  if (!file.valid() || fstat(file.get(), &about) != 0)
    return failErrno(DiagnosticId::CannotOpen, cat("cannot open `", path, "`"), errno);
  return S_ISFIFO(about.st_mode) ? readPipe(file.get(), path) : readAll(file.get(), path);
}

Result<PatchText> readPatch(const std::string &path) {
  bool standardInput = path == "-";
  Result<std::string> text = standardInput ? readAll(STDIN_FILENO, path) : readText(path);
  if (!text) return std::unexpected(std::move(text.error()));
  if (standardInput) {
    std::string name = nameOfText(*text);
    return PatchText{.source = SourceText(path, std::move(*text)), .folder = "", .defaultName = std::move(name)};
  }
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "" : slash == 0 ? "/" : path.substr(0, slash);
  return PatchText{
      .source = SourceText(path, std::move(*text)), .folder = std::move(folder), .defaultName = nameOf(path)};
}

} // namespace lpc::driver
