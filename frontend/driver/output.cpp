// Files are replaced, not overwritten: a reader sees the old one or the new one, and a full disk costs nothing. What is
// no file (a pipe, /dev/null) stays what it is and is written to, and a link goes on leading to the file.
#include "frontend/driver/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "ir/support/cat.h"
#include "runtime/process.h"

namespace lpc::driver {
namespace {

std::unexpected<Error> cannotWrite(const std::string &path) {
  return failErrno(DiagnosticId::CannotOpen, cat("cannot write `", path, "`"), errno);
}

// False: errno says why.
bool writeAll(int fd, BytesView contents) {
  while (!contents.empty()) {
    ssize_t count = write(fd, contents.data(), contents.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    contents = contents.subspan(static_cast<size_t>(count));
  }
  return true;
}

// Nobody reads a pipe: that is an error (ENXIO), and no reason to wait.
Result<void> writeThrough(const std::string &path, BytesView contents) {
  runtime::FileDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid() || fcntl(file.get(), F_SETFL, 0) != 0 || !writeAll(file.get(), contents)) return cannotWrite(path);
  return {};
}

std::string linkedFile(const std::string &path) {
  std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
  return real ? real.get() : path;
}

// A file that was not there, beside `path`.
runtime::FileDescriptor createBeside(const std::string &path, std::string &name) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; i++) {
    name = cat(path, ".lpc-", getpid(), "-", i);
    runtime::FileDescriptor file(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (file.valid() || errno != EEXIST) return file;
  }
  return {};
}

} // namespace

Result<void> writeFile(const std::string &path, BytesView contents) {
  struct stat old{};
  const bool replaces = stat(path.c_str(), &old) == 0;
  if (replaces && !S_ISREG(old.st_mode)) return writeThrough(path, contents);
  const std::string place = replaces ? linkedFile(path) : path;
  std::string fresh;
  runtime::FileDescriptor file = createBeside(place, fresh);
  if (!file.valid()) return cannotWrite(path);
  if (replaces && fchown(file.get(), old.st_uid, old.st_gid) != 0)
    old.st_mode &= 0777U; // another's file is then ours, and with no more rights than others had
  if (writeAll(file.get(), contents) && (!replaces || fchmod(file.get(), old.st_mode & 07777) == 0) &&
      rename(fresh.c_str(), place.c_str()) == 0)
    return {};
  auto error = cannotWrite(path);
  std::remove(fresh.c_str());
  return error;
}

} // namespace lpc::driver
