// A FILE is read once, whole, before anything is decided about it: what was checked is then what travels with the
// patch, even if somebody writes to the file meanwhile. Pipes and devices are refused: they could block for ever or
// have no end.
#include "frontend/sema/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "ir/support/cat.h"
#include "ir/verify.h"

namespace lpc::sema {
namespace {

class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

std::unexpected<Error> tooLarge(const std::string &shown) {
  return fail(DiagnosticId::FileTooLarge,
              cat("`", shown, "` is larger than 1 GiB, the most that one statement brings into a process"));
}

} // namespace

std::string inFolder(const Options &options, const std::string &file) {
  return options.baseFolder.empty() || file.starts_with('/') ? file : cat(options.baseFolder, "/", file);
}

Result<Bytes> readWhole(const std::string &path, const std::string &shown) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return failErrno(DiagnosticId::CannotOpen, cat("cannot open `", shown, "`"), errno);
  struct stat about{};
  if (fstat(file.get(), &about) != 0)
    return failErrno(DiagnosticId::CannotOpen, cat("cannot look at `", shown, "`"), errno);
  if (S_ISDIR(about.st_mode)) return fail(DiagnosticId::CannotOpen, cat("`", shown, "` is a folder"));
  if (!S_ISREG(about.st_mode)) return fail(DiagnosticId::CannotOpen, cat("`", shown, "` is not a regular file"));
  if (static_cast<uint64_t>(about.st_size) > ir::kMaxMemorySize) return tooLarge(shown);

  Bytes bytes(static_cast<size_t>(about.st_size));
  size_t have = 0;
  while (have < bytes.size()) {
    ssize_t n = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failErrno(DiagnosticId::CannotOpen, cat("cannot read `", shown, "`"), errno);
    if (n == 0) break; // it became shorter
    have += static_cast<size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

} // namespace lpc::sema
