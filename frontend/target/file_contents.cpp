// Files are mapped, not read: of a program of hundreds of megabytes a patch needs a few pages, and the symbol tables
// once. Rejected: reading with pread into buffers, which copies 50 MB for a million symbols.
#include "frontend/target/file_contents.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ir/support/cat.h"

namespace lpc::target {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

} // namespace

Result<FileContents> FileContents::map(const std::string &path, const std::string &name) {
  // O_NONBLOCK: a named pipe opens at once instead of waiting for a writer, and is then refused as no regular file.
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat status{};
  if (file.fd < 0 || fstat(file.fd, &status) != 0)
    return failErrno(DiagnosticId::CannotOpen, cat("cannot open `", name, "`"), errno);
  if (!S_ISREG(status.st_mode)) return fail(DiagnosticId::CannotOpen, cat("`", name, "` is not a regular file"));
  if (status.st_size == 0) return fail(DiagnosticId::NotElf, cat("`", name, "` is empty"));
  auto size = static_cast<size_t>(status.st_size);
  void *mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (mapped == MAP_FAILED) return failErrno(DiagnosticId::CannotOpen, cat("cannot map `", name, "`"), errno);
  return FileContents(static_cast<const uint8_t *>(mapped), size);
}

FileContents::FileContents(Bytes bytes) : owned_(std::move(bytes)) {}

FileContents::FileContents(FileContents &&other) noexcept
    : mapped_(std::exchange(other.mapped_, nullptr)), size_(std::exchange(other.size_, 0)), touches_(other.touches_),
      owned_(std::move(other.owned_)) {}

FileContents::~FileContents() {
  if (mapped_) munmap(const_cast<uint8_t *>(mapped_), size_);
}

BytesView FileContents::view() const { return mapped_ ? BytesView(mapped_, size_) : BytesView(owned_); }

// Where the page cache has folios of 2 MiB (seen with files just written; ext4, Linux 6.18), one touch maps a whole
// one, with MADV_NOHUGEPAGE, too: twenty symbols from all over the tables would make most of a large file resident.
void FileContents::touched() const {
  constexpr size_t kLarge = size_t{16} << 20;
  constexpr unsigned kTouches = 4;
  if (mapped_ && size_ > kLarge && ++touches_ % kTouches == 0)
    madvise(const_cast<uint8_t *>(mapped_), size_, MADV_DONTNEED);
}

// Two pieces are given back each time, this one and the one before: the first touch of a piece maps pages around it
// again.
void FileContents::passed(BytesView table, size_t end) const {
  if (!mapped_ || table.size() <= kPiece) return; // our own memory would read as zeros afterwards
  constexpr uintptr_t kPage = 4096;
  const auto start = reinterpret_cast<uintptr_t>(table.data());
  uintptr_t from = (start + (end > 2 * kPiece ? end - 2 * kPiece : 0) + kPage - 1) & ~(kPage - 1);
  uintptr_t to = (start + end) & ~(kPage - 1);
  if (from < to) madvise(reinterpret_cast<void *>(from), to - from, MADV_DONTNEED);
}

} // namespace lpc::target
