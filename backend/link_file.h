// The ELF file of a payload: its bytes, read with checked bounds, and the errors that reading it gives.
#pragma once

#include <elf.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "ir/machine/machine.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::backend {

// A structure at `offset` of `bytes`; nothing where it does not lie inside.
template <class T> std::optional<T> readAt(BytesView bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// The string at `offset` of a string table; nothing where it does not end inside, or has 64 KiB or more.
std::optional<std::string_view> stringAt(BytesView table, uint64_t offset);

// Runs steps until one fails; its failure is the result.
template <class... Steps> Result<void> inOrder(Steps &&...steps) {
  Result<void> done;
  (void)((done = steps()).has_value() && ...);
  return done;
}

class PayloadFile {
public:
  // NotElf, WrongMachine, UnsupportedMachine, UnsupportedPayload, CorruptPayload: header and program headers are good
  // then. The bytes are not copied: they outlive the object.
  static Result<PayloadFile> open(BytesView bytes, const std::string &name, Machine machine);

  // The first checks of open(): an ELF file for the machine, of which lpc links payloads.
  static Result<void> isFor(BytesView bytes, const std::string &name, Machine machine);

  [[nodiscard]] const std::string &name() const { return name_; }
  [[nodiscard]] uint64_t size() const { return bytes_.size(); }
  [[nodiscard]] const std::vector<Elf64_Phdr> &programHeaders() const { return programHeaders_; }
  // Read apart from open(), because only local symbols need them. CorruptPayload.
  [[nodiscard]] Result<std::vector<Elf64_Shdr>> sectionHeaders() const;

  // `size` bytes at `offset`; nothing where they are not all in the file.
  [[nodiscard]] std::optional<BytesView> range(uint64_t offset, uint64_t size) const;

  // "`patch.so` is corrupt: WHAT".
  [[nodiscard]] std::unexpected<Error> corrupt(const std::string &what) const;
  // "`patch.so` WHAT".
  [[nodiscard]] std::unexpected<Error> unsupported(const std::string &what, const std::string &help = {}) const;

  // Counts names that are copied out of the file. Many symbols may share one long name, so that without a limit a
  // small file could fill all memory. CorruptPayload past several times the file's size.
  [[nodiscard]] Result<void> account(std::string_view text);

private:
  PayloadFile(BytesView bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  BytesView bytes_;
  std::string name_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> programHeaders_;
  uint64_t textSize_ = 0;
};

} // namespace lpc::backend
