// The bytes of a file: a read-only private mapping, or bytes that somebody else had. Internal to frontend/target.
#pragma once

#include <string>

#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::target {

class FileContents {
public:
  // Maps the regular file at `path`. CannotOpen (also for directories, devices and pipes: opening never blocks),
  // NotElf for an empty file. `name` is how messages call it. Cutting the file short while it is mapped raises
  // SIGBUS (driver/cut_files.h); package managers rename instead.
  static Result<FileContents> map(const std::string &path, const std::string &name);
  explicit FileContents(Bytes bytes);
  FileContents(FileContents &&other) noexcept;
  FileContents &operator=(FileContents &&) = delete;
  ~FileContents();

  [[nodiscard]] BytesView view() const;
  // For a pass over a `table` of the file, from its start to its end, in pieces of kPiece: all up to the offset `end`
  // will not be needed soon. Its pages leave our resident set, and come back when touched again. Tables of one piece
  // stay.
  static constexpr size_t kPiece = size_t{2} << 20;
  void passed(BytesView table, size_t end) const;
  // Some place of the file was read, out of any order. After every few of them, pages are given back.
  void touched() const;

private:
  FileContents(const uint8_t *mapped, size_t size) : mapped_(mapped), size_(size) {}
  const uint8_t *mapped_ = nullptr;
  size_t size_ = 0;
  mutable unsigned touches_ = 0;
  Bytes owned_;
};

} // namespace lpc::target
